/*
 * Fills the placeholders of {% recommendation_shelf … lazy=True %} when they come into view.
 *
 * Each new shelf is announced by the event "engagement:shelf" on the document, whose detail holds
 * the elements. A shelf that cannot be fetched leaves nothing behind.
 */
(() => {
  "use strict";

  const NEAR = "300px";

  async function fill(placeholder) {
    const url = placeholder.dataset.engagementLazy;
    const template = document.createElement("template");
    try {
      const response = await fetch(url, { credentials: "same-origin" });
      template.innerHTML = response.ok ? (await response.text()).trim() : "";
    } catch {
      template.innerHTML = "";
    }
    const shelves = Array.from(template.content.querySelectorAll("[data-engagement-shelf]"));
    placeholder.replaceWith(template.content);
    if (shelves.length) {
      document.dispatchEvent(new CustomEvent("engagement:shelf", { detail: { shelves } }));
    }
  }

  const observer =
    "IntersectionObserver" in window
      ? new IntersectionObserver(
          (entries) => {
            for (const entry of entries) {
              if (entry.isIntersecting) {
                observer.unobserve(entry.target);
                fill(entry.target);
              }
            }
          },
          { rootMargin: NEAR },
        )
      : null;

  function find(root) {
    for (const placeholder of root.querySelectorAll("[data-engagement-lazy]")) {
      // The script stands beside each placeholder and may run more than once.
      if ("engagementSeen" in placeholder.dataset) continue;
      placeholder.dataset.engagementSeen = "";
      if (observer) observer.observe(placeholder);
      else fill(placeholder);
    }
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => find(document));
  } else {
    find(document);
  }
})();
