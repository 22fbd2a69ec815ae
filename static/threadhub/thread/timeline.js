// Keeps the rows of a long timeline in a window: pages come as one scrolls, and go at the other end.

const PAGES = 2;

document.body.addEventListener("htmx:afterSwap", () => {
  const rows = document.querySelector("[data-window]");
  if (!rows) return;
  const pages = [...rows.querySelectorAll("tbody[data-page]")];
  // The row that asked for the next page has done so.
  for (const page of pages.slice(0, -1)) page.querySelector("[data-more]")?.remove();
  for (const page of pages.slice(0, Math.max(0, pages.length - PAGES))) {
    const height = page.offsetHeight;
    page.remove();
    rows.scrollTop -= height;
    rows.querySelector("[data-earlier]")?.removeAttribute("hidden");
  }
});

for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
for (const button of document.querySelectorAll("[data-needless]")) button.hidden = true;

document.querySelector("tr[data-selected]")?.scrollIntoView({ block: "nearest" });
