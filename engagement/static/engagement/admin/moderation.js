/* Makes the queue of reviews quick: keys, decisions without leaving the page, what others did
   meanwhile. Everything here is also a plain form; without this file the page works the same. */
(function () {
  "use strict";

  function start() {
    const queue = document.querySelector("[data-eng-queue]");
    if (!queue) { return; }

    const SWITCH = "engagement.moderation.keys";
    const LOOK_AGAIN = Number(queue.dataset.engStatesSeconds || 20) * 1000;
    const status = document.querySelector("[data-eng-status]");
    const shown = document.querySelector("[data-eng-shown]");
    const bulk = document.querySelector("[data-eng-bulk]");
    const words = JSON.parse(document.getElementById("eng-words").textContent);
    const done = [];
    let current = null;

    // -- rows -------------------------------------------------------------------------------
    function rows() { return Array.from(queue.querySelectorAll("[data-eng-row]")); }
    function find(ref) { return rows().find((row) => row.dataset.engRow === ref) || null; }
    function isOpen(row) { return row.dataset.engOpen === "1"; }
    function body(row) { return row.querySelector("[data-eng-focus]"); }

    function choose(row, move) {
      if (!row) { return; }
      if (current && current !== row) { current.classList.remove("eng-row-current"); }
      current = row;
      row.classList.add("eng-row-current");
      if (move) {
        body(row).focus({ preventScroll: true });
        row.scrollIntoView({ block: "nearest" });
      }
    }

    function step(by) {
      const all = rows();
      const from = current ? all.indexOf(current) : by > 0 ? -1 : all.length;
      const to = Math.min(Math.max(from + by, 0), all.length - 1);
      if (all[to] && (to !== from || !current)) { choose(all[to], true); } else { say(words.end); }
    }

    /* After a decision: the next row that waits, else the one before, else what comes next. */
    function onwards(row) {
      const all = rows();
      const at = all.indexOf(row);
      const next = all.slice(at + 1).find(isOpen) || all.slice(0, at).reverse().find(isOpen);
      if (next) { choose(next, true); return; }
      const page = document.querySelector("[data-eng-next]");
      if (page) { page.focus(); } else { choose(row, true); }
    }

    // -- what is said -----------------------------------------------------------------------
    function say(text, level) {
      // Emptied first: the same sentence twice would not be read again.
      status.textContent = "";
      status.classList.toggle("eng-wrong", level === "error");
      shown.textContent = text;
      shown.hidden = !text;
      shown.className = "eng-toast" + (level ? " eng-toast-" + level : "");
      window.setTimeout(() => { status.textContent = text; }, 30);
      window.clearTimeout(say.timer);
      say.timer = window.setTimeout(() => { shown.hidden = true; }, level === "error" ? 12000 : 5000);
    }

    // -- talking to the server --------------------------------------------------------------
    function ask(method, url, data, then) {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
      // Parsed by the request itself: a policy of Trusted Types forbids innerHTML.
      request.responseType = "document";
      request.onloadend = () => {
        const page = request.response;
        const answer = page && page.querySelector("[data-eng-answer]");
        if (request.status === 200 && answer) { then(answer); return; }
        then(null, request.status === 0 ? words.offline : request.status === 200 || request.status === 403
          ? words.signedOut : words.failed);
      };
      request.send(data);
    }

    function take(answer) {
      const fresh = [];
      answer.querySelectorAll("[data-eng-row]").forEach((one) => {
        const old = find(one.dataset.engRow);
        if (!old) { return; }
        const row = document.importNode(one, true);
        const hadFocus = old.contains(document.activeElement);
        const box = old.querySelector("[data-eng-choose]");
        const chosen = row.querySelector("[data-eng-choose]");
        if (box && chosen) { chosen.checked = box.checked; }
        old.replaceWith(row);
        if (old === current) { current = null; choose(row, hadFocus); }
        fresh.push(row);
      });
      const left = answer.querySelector("[data-eng-left]");
      if (left) {
        document.querySelectorAll("[data-eng-left]").forEach((one) => {
          one.textContent = left.textContent;
        });
      }
      return fresh;
    }

    function send(form, button) {
      const row = form.closest("[data-eng-row]");
      const data = new FormData(form);
      const act = button ? button.value : "";
      if (button && button.name) { data.append(button.name, act); }
      if (row) { row.setAttribute("aria-busy", "true"); }
      // The eye goes on while the answer is under way; undoing and correcting stay where they are.
      if (row && form.dataset.engMoves === "1") { onwards(row); }
      ask("POST", form.action, data, (answer, wrong) => {
        if (row) { row.removeAttribute("aria-busy"); }
        if (!answer) {
          say(wrong, "error");
          if (row) { choose(row, true); }
          return;
        }
        const fresh = take(answer);
        const said = answer.querySelector("[data-eng-said]");
        if (act !== "undo") {
          done.push(...fresh.filter((one) => one.dataset.engUndo === "1").map((one) => one.dataset.engRow));
        }
        // What was refused for want of a reason keeps its ticks, which belong to the form.
        if (form === bulk && said.dataset.level !== "error") { form.reset(); count(); }
        if (form.dataset.engMoves !== "1" && row) { choose(find(row.dataset.engRow), true); }
        // A decision that was refused is shown where it was tried.
        if (said.dataset.level === "warning" && row) { choose(find(row.dataset.engRow), true); }
        const next = current && isOpen(current) && form.dataset.engMoves === "1"
          ? " " + current.dataset.engTitle : "";
        say(said.textContent.trim() + next, said.dataset.level);
      });
    }

    function look() {
      const waiting = rows().filter((row) => isOpen(row) && !row.hasAttribute("aria-busy"));
      if (document.hidden || !waiting.length) { return; }
      const url = new URL(queue.dataset.engStates, window.location.href);
      waiting.forEach((row) => url.searchParams.append("ref", row.dataset.engRow));
      ask("GET", url.href, null, (answer) => {
        if (!answer || !answer.querySelector("[data-eng-row]")) { return; }
        // Not under the hands of whoever is writing in it.
        answer.querySelectorAll("[data-eng-row]").forEach((one) => {
          const row = find(one.dataset.engRow);
          if (row && (row.hasAttribute("aria-busy") || row.querySelector("textarea:focus"))) {
            one.remove();
          }
        });
        if (take(answer).length) {
          const said = answer.querySelector("[data-eng-said]");
          if (said) { say(said.textContent.trim(), said.dataset.level); }
        }
      });
    }

    // -- choosing several -------------------------------------------------------------------
    function boxes() { return Array.from(queue.querySelectorAll("[data-eng-choose]")); }

    function count() {
      const n = boxes().filter((box) => box.checked).length;
      const text = document.querySelector("[data-eng-chosen]");
      if (text) { text.textContent = words.chosen.replace("%s", String(n)); }
      if (bulk) {
        bulk.classList.toggle("eng-bulk-on", n > 0);
        bulk.querySelectorAll("button[name=do]").forEach((button) => { button.disabled = !n; });
      }
      const all = document.querySelector("[data-eng-all]");
      if (all) {
        all.checked = n > 0 && n === boxes().length;
        all.indeterminate = n > 0 && n < boxes().length;
      }
    }

    // -- writing a reply --------------------------------------------------------------------
    function useTemplate(select) {
      const form = select.form;
      const chosen = select.selectedOptions[0];
      if (!chosen || !chosen.dataset.engText) { return; }
      form.querySelector("textarea").value = chosen.dataset.engText;
      form.querySelector("[name=template]").value = select.value;
      say(words.filled);
    }

    // -- keys -------------------------------------------------------------------------------
    function press(name) {
      const row = current || rows().find(isOpen);
      const button = row && row.querySelector("[data-eng-key='" + name + "']");
      if (!button) { say(words.notHere, "warning"); return; }
      choose(row, false);
      if (button.matches("summary")) {
        button.parentElement.open = true;
        const box = button.parentElement;
        const first = box.querySelector("input:checked") || box.querySelector("input[type=radio]");
        if (first) { first.focus(); }
      } else if (button.matches("select, input, textarea")) {
        button.focus();
      } else {
        button.click();
      }
    }

    function undo() {
      const ref = current && current.querySelector("[data-eng-key=u]") ? current.dataset.engRow : done.pop();
      const row = ref && find(ref);
      const button = row && row.querySelector("[data-eng-key=u]");
      if (!button) { say(words.nothingToUndo, "warning"); return; }
      if (done.indexOf(ref) >= 0) { done.splice(done.indexOf(ref), 1); }
      choose(row, false);
      button.click();
    }

    function keysAreOn() {
      try { return window.localStorage.getItem(SWITCH) !== "off"; } catch (error) { return true; }
    }

    function turnKeys(on) {
      try { window.localStorage.setItem(SWITCH, on ? "on" : "off"); } catch (error) { /* private */ }
      showKeys();
      say(on ? words.keysOn : words.keysOff);
    }

    function showKeys() {
      document.querySelectorAll("[data-eng-keys]").forEach((button) => {
        button.setAttribute("aria-pressed", keysAreOn() ? "true" : "false");
      });
      document.documentElement.classList.toggle("eng-keys-on", keysAreOn());
    }

    const help = document.querySelector("[data-eng-help]");
    const KEYS = {
      j: () => step(1),
      k: () => step(-1),
      a: () => press("a"),
      r: () => press("r"),
      h: () => press("h"),
      e: () => press("e"),
      p: () => press("p"),
      u: undo,
      x: () => {
        const box = current && current.querySelector("[data-eng-choose]");
        if (box) { box.click(); }
      },
      "/": () => {
        const details = document.querySelector("[data-eng-filters]");
        if (details) { details.open = true; }
        const field = document.querySelector("[data-eng-search]");
        if (field) { field.focus(); field.select(); }
      },
      "?": () => { if (help && help.showModal) { help.showModal(); } },
    };

    document.addEventListener("keydown", (event) => {
      const target = event.target;
      const writes = target.matches && target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
      if (event.key === "Escape" && !(help && help.open)) {
        const reasons = target.closest && target.closest("details[data-eng-reasons]");
        const row = target.closest && target.closest("[data-eng-row]");
        if (reasons) { reasons.open = false; }
        if (row) { choose(row, true); event.preventDefault(); }
        else if (writes) { target.blur(); if (current) { choose(current, true); } }
        return;
      }
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && target.matches("[data-eng-form] textarea")) {
        event.preventDefault();
        target.form.requestSubmit(target.form.querySelector("button[name=do]"));
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) { return; }
      if (writes || (help && help.open) || (target.matches && target.matches("dialog *"))) { return; }
      // Inside the chooser a number picks a reason.
      const reasons = target.closest && target.closest("details[data-eng-reasons]");
      if (reasons && /^[1-9]$/.test(event.key)) {
        const radio = reasons.querySelectorAll("input[type=radio]")[Number(event.key) - 1];
        if (radio) { radio.checked = true; radio.focus(); event.preventDefault(); }
        return;
      }
      if (!keysAreOn()) { return; }
      const act = KEYS[event.key];
      if (act) { event.preventDefault(); act(); }
    });

    // -- what the page does -----------------------------------------------------------------
    queue.addEventListener("focusin", (event) => {
      const row = event.target.closest("[data-eng-row]");
      if (row) { choose(row, false); }
    });
    queue.addEventListener("click", (event) => {
      const row = event.target.closest("[data-eng-row]");
      if (row) { choose(row, false); }
    });
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (!form.matches("[data-eng-form]")) { return; }
      event.preventDefault();
      const button = event.submitter || form.querySelector("button[name=do]");
      // Both hands on the keys: a second press is not a second decision.
      const row = form.closest("[data-eng-row]");
      if (row && row.hasAttribute("aria-busy")) { return; }
      send(form, button);
    });
    document.addEventListener("change", (event) => {
      const target = event.target;
      if (target.matches("[data-eng-template]")) {
        useTemplate(target);
      } else if (target.matches("[data-eng-all]")) {
        boxes().forEach((box) => { box.checked = target.checked; });
        count();
      } else if (target.matches("[data-eng-choose]")) {
        count();
      }
    });
    document.querySelectorAll("[data-eng-keys]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => turnKeys(!keysAreOn()));
    });
    document.querySelectorAll("[data-eng-help-open]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", KEYS["?"]);
    });
    document.querySelectorAll("[data-eng-scripted]").forEach((one) => { one.hidden = false; });
    showKeys();
    count();
    if (queue.dataset.engStates) {
      window.setInterval(look, LOOK_AGAIN);
      document.addEventListener("visibilitychange", look);
    }
    // Where somebody comes from a form without script, or from a link to one row.
    const wanted = window.location.hash ? document.getElementById(window.location.hash.slice(1)) : null;
    const first = wanted && wanted.matches("[data-eng-row]") ? wanted : rows().find(isOpen) || rows()[0];
    if (first) { choose(first, Boolean(wanted)); }
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
