/*
 * Makes reviews quicker where there are scripts: votes without a new page, sorting and pages
 * without leaving the place, a count of the characters left. Everything works without it.
 */
(() => {
  "use strict";

  // The script stands beside each section and may run more than once.
  if (window.engagementReviews) return;
  window.engagementReviews = true;

  const LIST = "[data-engagement-reviews]";

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-engagement-vote]") && event.submitter) {
      event.preventDefault();
      vote(form, event.submitter);
    } else if (form.matches("[data-engagement-filters]")) {
      event.preventDefault();
      const asked = new URLSearchParams();
      for (const [name, value] of new FormData(form)) if (value) asked.append(name, value);
      load(new URL(`?${asked}`, location.href));
    }
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-engagement-filters]");
    if (form && event.target.type !== "search") form.requestSubmit();
  });

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest(".engagement-pages a, .engagement-histogram__row, .engagement-filters a, .engagement-says a");
    if (!link || !document.querySelector(LIST)) return;
    event.preventDefault();
    load(new URL(link.href), link.closest(".engagement-pages") !== null);
  });

  async function vote(form, button) {
    const helpful = { yes: true, no: false }[button.value] ?? null;
    const buttons = [...form.querySelectorAll("button")];
    for (const one of buttons) one.disabled = true;
    try {
      const response = await fetch(form.action, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ helpful }),
      });
      const said = await response.json();
      if (!response.ok) throw new Error(said.detail || "");
      for (const one of form.querySelectorAll("[data-engagement-count]")) {
        one.textContent = said[one.dataset.engagementCount];
      }
      const names = ["yes", "no"];
      buttons.forEach((one, place) => {
        const pressed = said.voted === (place === 0);
        one.setAttribute("aria-pressed", String(pressed));
        one.value = pressed ? "none" : names[place];
      });
    } catch (problem) {
      tell(form, problem.message);
    } finally {
      for (const one of buttons) one.disabled = false;
      button.focus();
    }
  }

  function tell(form, message) {
    let place = form.querySelector("[role=status]");
    if (!place) {
      place = document.createElement("span");
      place.setAttribute("role", "status");
      form.append(place);
    }
    place.textContent = message;
  }

  function load(url, scroll = false) {
    // Parsed by the request itself: a policy of Trusted Types forbids innerHTML.
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onload = () => {
      const fresh = request.status === 200 && request.response && request.response.querySelector(LIST);
      const old = document.querySelector(LIST);
      if (!fresh || !old) {
        location.assign(url);
        return;
      }
      const name = document.activeElement && document.activeElement.name;
      old.replaceWith(document.adoptNode(fresh));
      swap(request.response, ".engagement-histogram__rows");
      url.hash = "reviews";
      history.replaceState(null, "", url);
      const list = document.querySelector(LIST);
      const again = name && list.querySelector(`[name="${CSS.escape(name)}"]`);
      if (again) again.focus();
      if (scroll) list.scrollIntoView({ block: "start" });
    };
    request.onerror = () => location.assign(url);
    request.send();
  }

  function swap(page, selector) {
    const fresh = page.querySelector(selector);
    const old = document.querySelector(selector);
    if (fresh && old) old.replaceWith(document.adoptNode(fresh));
  }

  // How many characters are left, told once they run short.
  document.addEventListener("input", (event) => {
    const field = event.target;
    const most = Number(field.dataset && field.dataset.engagementMost);
    if (!most) return;
    const n = [...field.value].length;
    let place = field.parentElement.querySelector(".engagement-count");
    if (!place) {
      place = document.createElement("span");
      place.className = "engagement-count";
      place.setAttribute("aria-live", "polite");
      field.after(place);
    }
    place.textContent = n > most * 0.8 ? `${n} / ${most}` : "";
    place.classList.toggle("engagement-count--over", n > most);
  });
})();
