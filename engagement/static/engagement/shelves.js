/*
 * Fills the placeholders of {% recommendation_shelf … lazy=True %} and {% promotion_card … lazy=True %}
 * when they come into view.
 *
 * Each new shelf is announced by the event "engagement:shelf" on the document, whose detail holds
 * the elements. A shelf that cannot be fetched leaves nothing behind.
 */
(() => {
  "use strict";

  const NEAR = "300px";

  function fill(placeholder) {
    // Parsed by the request itself: a policy of Trusted Types forbids innerHTML.
    const request = new XMLHttpRequest();
    request.open("GET", placeholder.dataset.engagementLazy);
    request.responseType = "document";
    request.onloadend = () => {
      const answer = request.status === 200 ? request.response : null;
      show(placeholder, answer && answer.body ? Array.from(answer.body.children) : []);
    };
    request.send();
  }

  function show(placeholder, elements) {
    placeholder.replaceWith(...elements.map((element) => document.adoptNode(element)));
    const shelves = elements.filter((element) => element.matches("[data-engagement-shelf]"));
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
