// What the head of a thread does beyond links and forms: its dialogs, and copying.

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("a[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  }
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    await navigator.clipboard.writeText(copier.dataset.copy);
    const told = document.querySelector("[data-live-announce]");
    if (told) told.textContent = copier.dataset.said;
    copier.closest("details")?.removeAttribute("open");
  }
});
