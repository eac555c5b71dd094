/* The form of a campaign: each offer shows the fields of its kind, and a rule says whom it fits
   while it is typed. Without this script all fields show, and rules are looked at when saved. */
(function () {
  "use strict";

  var WAIT = 400;

  // -- fields ---------------------------------------------------------------------------------
  /* Of several fields in a line, each has a box of its own that holds its help text too. */
  function box(offer, name) {
    var one = offer.querySelector(".fieldBox.field-" + name);
    if (!one) { return offer.querySelector(".form-row.field-" + name); }
    return one.parentElement.matches(".form-multiline > div") ? one.parentElement : one;
  }

  function chosen(offer, name) {
    var field = offer.querySelector("[name$='-" + name + "']");
    return field ? field.value : null;
  }

  function show(offer, name, is) {
    var found = box(offer, name);
    // What is wrong stays to be seen.
    if (found) { found.classList.toggle("eng-hidden", !is && !found.querySelector(".errorlist")); }
  }

  function arrange(offer, kinds) {
    var kind = chosen(offer, "kind");
    if (kind === null) { return; }
    Object.keys(kinds).forEach(function (name) {
      show(offer, name, kinds[name].indexOf(kind) >= 0);
    });
    var code = chosen(offer, "code_kind");
    var hasCode = kinds.code.indexOf(kind) >= 0;
    show(offer, "code", hasCode && code === "shared");
    show(offer, "grant_days", hasCode && code !== "shared");
    show(offer, "is_for_everybody", code !== "personal" || !hasCode);
    if (kind === "bundle") { show(offer, "scope", false); }
    if (kinds.scope.indexOf(kind) >= 0) {
      show(offer, "scope_keys", kind === "bundle" || chosen(offer, "scope") !== "cart");
    }
    offer.querySelectorAll(".form-row").forEach(function (row) {
      var boxes = Array.from(row.querySelectorAll(".fieldBox"));
      if (boxes.length) {
        row.classList.toggle("eng-hidden", boxes.every(function (one) {
          return one.closest(".eng-hidden:not(.form-row)");
        }));
      }
    });
  }

  function offers() { return document.querySelectorAll(".inline-related[id^='promotions-']"); }

  // -- rules ----------------------------------------------------------------------------------
  function rules(place) {
    var own = place.querySelector("textarea").value;
    var campaign = document.getElementById("id_audience");
    var beside = campaign && !place.contains(campaign) ? campaign.value : "";
    return [beside, own].filter(function (rule) { return rule.trim(); });
  }

  function look(place) {
    var status = place.querySelector(".eng-fit");
    var wanted = rules(place);
    if (!place.querySelector("textarea").value.trim()) {
      status.textContent = "";
      return;
    }
    var channel = document.getElementById("id_channel");
    var query = new URLSearchParams(wanted.map(function (rule) { return ["rule", rule]; }));
    query.set("channel", channel ? channel.value : place.dataset.channel);
    var asked = place.dataset.asked = String(Date.now());
    fetch(place.dataset.engAudience + "?" + query, { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (found) {
        if (!found || place.dataset.asked !== asked) { return; }
        status.textContent = found.said;
        status.classList.toggle("eng-bad", !found.ok);
      })
      .catch(function () { status.textContent = ""; });
  }

  function typed(event) {
    var place = event.target.closest("[data-eng-audience]");
    if (!place) { return; }
    clearTimeout(place.engTimer);
    place.engTimer = setTimeout(function () { look(place); }, WAIT);
  }

  function start() {
    var source = document.getElementById("eng-kinds");
    if (!source) { return; }
    var kinds = JSON.parse(source.textContent);
    function all() { offers().forEach(function (offer) { arrange(offer, kinds); }); }
    document.addEventListener("change", all);
    document.addEventListener("formset:added", all);
    document.addEventListener("input", typed);
    all();
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
