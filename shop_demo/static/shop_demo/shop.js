// Everything works without this script; with it, pages need not be loaded again.
"use strict";

(() => {
  const toasts = document.querySelector("[data-toasts]");

  function say(level, text) {
    const toast = document.createElement("p");
    toast.className = `toast toast--${level}`;
    toast.textContent = text;
    toasts.append(toast);
  }

  function count(n) {
    const badge = document.querySelector("[data-cart-count]");
    badge.querySelector("b").textContent = n;
    badge.hidden = n === 0;
    badge.classList.remove("is-new");
    void badge.offsetWidth; // starts the animation again
    badge.classList.add("is-new");
  }

  // Put into the cart without leaving the page; a shelf that came later works as well.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.matches("[data-once]")) {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      return;
    }
    if (!form.matches("[data-add]")) return;
    event.preventDefault();
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
      if (!response.ok) throw new Error(response.status);
      const answer = await response.json();
      count(answer.count);
      answer.messages.forEach((message) => say(message.level, message.text));
    } catch {
      form.submit();
    }
  });

  // Coming back to a form that was sent.
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-once]").forEach((form) => delete form.dataset.sent);
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submit-on-change]");
    if (form) form.requestSubmit();
  });

  // On wide screens the filters are open beside the list.
  const wide = window.matchMedia("(min-width: 60.01rem)");
  const filters = document.querySelector("[data-filters]");
  if (filters && wide.matches) filters.open = true;

  function arrows(shelf) {
    const list = shelf.querySelector(".shelf__items");
    const box = shelf.querySelector("[data-arrows]");
    if (!list || !box) return;
    const buttons = box.querySelectorAll("button");
    const update = () => {
      box.hidden = list.scrollWidth <= list.clientWidth + 4;
      buttons[0].disabled = list.scrollLeft < 4;
      buttons[1].disabled = list.scrollLeft + list.clientWidth > list.scrollWidth - 4;
    };
    buttons.forEach((button) => {
      button.addEventListener("click", () => {
        list.scrollBy({ left: Number(button.dataset.scroll) * list.clientWidth * 0.9 });
      });
    });
    list.addEventListener("scroll", update, { passive: true });
    window.addEventListener("resize", update);
    update();
  }
  document.querySelectorAll(".shelf").forEach(arrows);
})();
