/*
 * Tells the shop what its visitors see and click: {% engagement_tracker %} puts it on a page.
 *
 * What it looks for:
 *   <section data-engagement-shelf data-placement="home.for_you" data-recommendation-id="…">
 *     <li data-engagement-item="KEY" data-rank="1"> <a href="…">…</a> </li>
 *   </section>
 * An item that was half visible for half a second is reported once (view_item_list), a click on
 * one of its links at once (select_item). Shelves that come later are found by themselves.
 *   <aside data-engagement-promotion="TOKEN"> <a href="…">…</a> </aside>
 * A promotion is reported in the same way (view_promotion), and a click on a link or button of it
 * (select_promotion); without a token it is nobody's and not reported.
 *   <form data-engagement-consent>   the banner: answered without leaving the page
 *
 * Its own script element says the rest, and nothing stands in the page itself, so that a strict
 * Content-Security-Policy is no obstacle:
 *   data-events-url, data-consent ("opt_in" | "opt_out" | "not_needed"), data-consent-cookie,
 *   data-respect-gpc ("1"), data-session-minutes, data-view-item="KEY" (the page is about this item)
 *
 * For the shop's own scripts:
 *   engagement.track("add_to_cart", {items: [{item_id: "KEY", quantity: 1}]})
 *   engagement.consent(true)   an answer that a consent manager of the shop's has got
 *   engagement.flush()
 */
(() => {
  "use strict";

  const script = document.currentScript;
  if (!script || (window.engagement && window.engagement.track)) return;
  const settings = script.dataset;

  const WAIT = 2000; // milliseconds in which events gather to one request
  const VISIBLE = 0.5; // share of an item …
  const SEEN_AFTER = 500; // … and milliseconds, after which it counts as seen
  const MAX_EVENTS = 50; // in one request
  const MAX_LENGTH = 30000; // browsers refuse beacons from 64 KiB on, two bytes a character
  const MAX_WAITING = 200; // events kept while nobody has agreed or the shop does not answer

  let queue = [];
  let timer = null;
  let sending = false;
  let answer = null; // what engagement.consent() was told on this page

  // -- whether ------------------------------------------------------------------------------

  function cookie(name) {
    const start = name + "=";
    const part = document.cookie.split("; ").find((one) => one.startsWith(start));
    return part ? part.slice(start.length) : "";
  }

  /** true: report; false: never; null: the visitor has not been asked yet. */
  function allowed() {
    if (answer !== null) return answer;
    const told = cookie(settings.consentCookie);
    if (told === "yes") return true;
    if (told === "no") return false;
    const wantsPrivacy = navigator.globalPrivacyControl || navigator.doNotTrack === "1";
    if (settings.respectGpc && wantsPrivacy) return null;
    return settings.consent === "opt_in" ? null : true;
  }

  function consent(agreed) {
    answer = Boolean(agreed);
    if (answer) flush();
    else queue = [];
  }

  // -- what ---------------------------------------------------------------------------------

  function uuid() {
    // Only pages from https and localhost have randomUUID.
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** One id for what happens in this tab without a long pause. Kept only after a yes. */
  function session() {
    const pause = Number(settings.sessionMinutes || 30) * 60000;
    const now = Date.now();
    try {
      const [id, last] = (sessionStorage.getItem("engagement.session") || "").split(" ");
      const current = id && now - Number(last) < pause ? id : uuid();
      sessionStorage.setItem("engagement.session", `${current} ${now}`);
      return current;
    } catch {
      return undefined; // storage is switched off
    }
  }

  function track(name, payload) {
    if (allowed() === false) return;
    queue.push({
      event: name,
      event_id: uuid(),
      event_time: new Date().toISOString(),
      ...payload,
    });
    queue = queue.slice(-MAX_WAITING);
    if (timer === null) timer = setTimeout(flush, WAIT);
  }

  // -- sending ------------------------------------------------------------------------------

  function take() {
    let n = Math.min(queue.length, MAX_EVENTS);
    while (n > 1 && JSON.stringify(queue.slice(0, n)).length > MAX_LENGTH) n = n >> 1;
    return queue.splice(0, n);
  }

  function body(events) {
    const id = session();
    const own = (event) => ({ session_id: id, ...event, attempt: undefined });
    return JSON.stringify({ events: events.map(own) });
  }

  function flush() {
    clearTimeout(timer);
    timer = null;
    if (!queue.length || allowed() !== true) return;
    // The first answer brings the visitor's cookie; a second request beside it would get another.
    if (sending) return;
    const events = take();
    sending = true;
    fetch(settings.eventsUrl, {
      method: "POST",
      body: body(events),
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
      keepalive: true,
    })
      .then(async (response) => {
        if (response.status === 429 || response.status >= 500) {
          again(events, Number(response.headers.get("Retry-After")) || 0);
        } else {
          complain(events, await response.json());
        }
      })
      .catch(() => again(events, 0))
      .finally(() => {
        sending = false;
        if (queue.length && timer === null) timer = setTimeout(flush, WAIT);
      });
  }

  /** Send what the browser can send while the page goes away. */
  function leave() {
    if (allowed() !== true) return;
    while (queue.length) {
      const events = take();
      if (!navigator.sendBeacon || !navigator.sendBeacon(settings.eventsUrl, body(events))) {
        queue.unshift(...events);
        break;
      }
    }
    if (queue.length) flush();
  }

  /** Try once more, later; the event ids keep it from being counted twice. */
  function again(events, seconds) {
    const retried = events
      .filter((event) => !event.attempt)
      .map((event) => ({ ...event, attempt: 1 }));
    queue.unshift(...retried);
    if (retried.length && timer === null) {
      timer = setTimeout(flush, Math.max(seconds * 1000, 5000));
    }
  }

  function complain(events, report) {
    for (const refused of report.rejected || []) {
      // An offer that holds for an hour is seen on several pages, and told of once.
      const quiet = ["no_consent", "staff", "bot", "promotion_repeated"];
      if (quiet.includes(refused.code)) continue;
      console.warn(`engagement: ${refused.field}: ${refused.message}`, events[refused.index]);
    }
    if (report.detail) console.warn(`engagement: ${report.detail}`);
  }

  // -- shelves ------------------------------------------------------------------------------

  function describe(item) {
    const shelf = item.closest("[data-engagement-shelf]");
    const rank = parseInt(item.dataset.rank, 10);
    return {
      shelf,
      line: { item_id: item.dataset.engagementItem, index: rank >= 0 ? rank : undefined },
      recommendation_id: shelf.dataset.recommendationId || undefined,
      placement: shelf.dataset.placement || undefined,
    };
  }

  function promotionOf(element) {
    return element.dataset.engagementPromotion || "";
  }

  const seen = new Map(); // shelf -> lines that are about to be reported
  const waiting = new Map(); // item -> timer
  const done = new WeakSet();
  let seenTimer = null;

  function reportSeen() {
    clearTimeout(seenTimer);
    seenTimer = null;
    for (const { recommendation_id, placement, items } of seen.values()) {
      track("view_item_list", { recommendation_id, placement, items });
    }
    seen.clear();
  }

  function see(item) {
    waiting.delete(item);
    // A tab in the background shows nothing; it is looked at again when it comes forward.
    if (document.visibilityState !== "visible" || done.has(item) || !item.isConnected) return;
    done.add(item);
    observer.unobserve(item);
    if (promotionOf(item)) {
      track("view_promotion", { promotion_id: promotionOf(item) });
      return;
    }
    const { shelf, line, recommendation_id, placement } = describe(item);
    const key = `${placement} ${recommendation_id}`;
    const entry = seen.get(key) || { shelf, recommendation_id, placement, items: [] };
    entry.items.push(line);
    seen.set(key, entry);
    if (seenTimer === null) seenTimer = setTimeout(reportSeen, 1000);
  }

  const observer =
    "IntersectionObserver" in window
      ? new IntersectionObserver(
          (entries) => {
            for (const { target, isIntersecting } of entries) {
              clearTimeout(waiting.get(target));
              waiting.delete(target);
              if (isIntersecting && !done.has(target)) {
                waiting.set(
                  target,
                  setTimeout(() => see(target), SEEN_AFTER),
                );
              }
            }
          },
          { threshold: VISIBLE },
        )
      : null;

  // What is looked at; an empty token is nobody's.
  const WATCHED =
    '[data-engagement-shelf] [data-engagement-item], [data-engagement-promotion]:not([data-engagement-promotion=""])';

  function watch(root) {
    if (!observer) return;
    const items = root.querySelectorAll(WATCHED);
    for (const item of items) {
      if (!done.has(item)) observer.observe(item);
    }
  }

  function clicked(event) {
    // Left and middle button; the right one only opens a menu.
    if (event.button > 1 || !(event.target instanceof Element)) return;
    const pressed = event.target.closest("a[href], button");
    const promotion = pressed && pressed.closest("[data-engagement-promotion]");
    if (promotion && promotionOf(promotion)) {
      track("select_promotion", { promotion_id: promotionOf(promotion) });
      leave();
    }
    const link = event.target.closest("a[href]");
    const item = link && link.closest("[data-engagement-shelf] [data-engagement-item]");
    if (!item) return;
    const { line, recommendation_id, placement } = describe(item);
    track("select_item", { recommendation_id, placement, items: [line] });
    reportSeen();
    leave();
  }

  // -- the banner ---------------------------------------------------------------------------

  async function answered(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("engagementConsent" in form.dataset)) return;
    const value = event.submitter && event.submitter.value;
    if (value !== "yes" && value !== "no") return;
    event.preventDefault();
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: JSON.stringify({ consent: value === "yes" }),
        headers: { "Content-Type": "application/json" },
        credentials: "same-origin",
      });
      if (!response.ok) throw new Error(response.statusText);
    } catch {
      form.append(hidden("consent", value));
      form.submit(); // the way without scripts
      return;
    }
    consent(value === "yes");
    if ("engagementKeep" in form.dataset) location.reload();
    else (form.closest("[data-engagement-banner]") || form).remove();
  }

  function hidden(name, value) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    return input;
  }

  // -- start --------------------------------------------------------------------------------

  function start() {
    if (settings.viewItem) track("view_item", { items: [{ item_id: settings.viewItem }] });
    watch(document);
    new MutationObserver((changes) => {
      if (changes.some((change) => change.addedNodes.length)) watch(document);
    }).observe(document.body, { childList: true, subtree: true });
    document.addEventListener("click", clicked, true);
    document.addEventListener("auxclick", clicked, true);
    document.addEventListener("submit", answered);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        for (const item of document.querySelectorAll(WATCHED)) {
          if (observer && !done.has(item)) observer.unobserve(item);
        }
        watch(document);
      } else {
        reportSeen();
        leave();
      }
    });
    window.addEventListener("pagehide", () => {
      reportSeen();
      leave();
    });
  }

  const early = Array.isArray(window.engagement) ? window.engagement : [];
  window.engagement = Object.freeze({ track, consent, flush });
  for (const [name, ...rest] of early) window.engagement[name](...rest);

  // A page that is loaded only in case the visitor goes there has not been visited.
  if (document.prerendering) {
    document.addEventListener("prerenderingchange", start, { once: true });
  } else if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start, { once: true });
  } else {
    start();
  }
})();
