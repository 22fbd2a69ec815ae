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

// The whole of a thread may be later than this page, and then nothing else says what happened.
document.body.addEventListener("live:snapshot", ({ detail }) => {
  const head = document.getElementById("head");
  if (!head || !detail.topic.startsWith("thread:") || detail.seq <= Number(head.dataset.seq)) return;
  document.body.dispatchEvent(new CustomEvent("live:behind"));
});
