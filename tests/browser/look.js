// What a screen reader and a small screen need of any page: returns what is wrong, and where.
() => {
  const wrong = [];
  const text = (one) => (one.innerText || one.textContent || "").trim();
  const shown = (one) => one.getClientRects().length > 0;
  const where = (one) => one.outerHTML.slice(0, 120);
  const name = (one) => one.getAttribute("aria-label")
    || (one.getAttribute("aria-labelledby") || "").split(" ").filter(Boolean)
         .map((id) => document.getElementById(id)).filter(Boolean).map(text).join(" ")
    || (one.labels && [...one.labels].map((label) => label.textContent.trim()).join(" "))
    || one.textContent.trim()
    || [...one.querySelectorAll("img[alt]")].map((image) => image.alt).join(" ").trim()
    || one.getAttribute("title") || "";

  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title.trim()) wrong.push("no title");
  if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  let level = 1;
  for (const heading of document.querySelectorAll("main h1, main h2, main h3, main h4")) {
    const its = Number(heading.tagName[1]);
    if (its > level + 1) wrong.push(`heading jumps to ${heading.tagName}: ${text(heading)}`);
    level = its;
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) {
    wrong.push(`id twice: ${id}`);
  }
  for (const image of document.querySelectorAll("img")) {
    if (!image.hasAttribute("alt")) wrong.push(`no alt: ${where(image)}`);
    if (shown(image) && image.complete && image.naturalWidth === 0) {
      wrong.push(`no picture: ${where(image)}`);
    }
  }
  for (const one of document.querySelectorAll("a[href], button, summary, [role=button]")) {
    if (shown(one) && !one.closest("[aria-hidden=true]") && !name(one)) {
      wrong.push(`no name: ${where(one)}`);
    }
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!name(field)) wrong.push(`no label: ${where(field)}`);
  }
  for (const one of document.querySelectorAll("[onclick], [onload], [onsubmit], [style]")) {
    wrong.push(`inline: ${where(one)}`);
  }
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width + 1) {
    const wide = [...document.querySelectorAll("body *")]
      .filter((one) => one.getBoundingClientRect().right > width + 1).slice(0, 3).map(where);
    wrong.push(`wider than the window by ${document.documentElement.scrollWidth - width}: ${wide}`);
  }
  return wrong;
}
