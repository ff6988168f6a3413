// The token of a link is in its fragment, which no server sees. It goes into the form, and out of the
// address, so that it is in no history and no screenshot.
const field = document.querySelector('input[name="token"]');
const token = location.hash.slice(1);
if (field && token) {
  field.value = token;
  field.closest(".field").hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
  // Looking changes nothing; whoever opened the link presses the button afterwards.
  const form = field.form;
  if (form.hasAttribute("data-send")) form.requestSubmit(form.querySelector("button"));
}

// What is being done in the background is looked at again until it is done.
const wait = async () => {
  const main = document.querySelector("main[data-wait]");
  if (!main) return;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.ok && !answer.redirected) {
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    main.replaceWith(next.querySelector("main"));
  }
  wait();
};
wait();

// A list is looked for while somebody types. The form stays as it is, and what is below it is replaced.
const search = document.querySelector("form.search");
let typed;
search?.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(async () => {
    const address = `${location.pathname}?${new URLSearchParams(new FormData(search))}`;
    const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
    // What was typed meanwhile is looked for next.
    const now = `${location.pathname}?${new URLSearchParams(new FormData(search))}`;
    if (!answer || answer.redirected || now !== address) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = next.querySelector("form.search");
    while (search.nextSibling) search.nextSibling.remove();
    while (found?.nextSibling) search.parentNode.append(found.nextSibling);
    history.replaceState(null, "", address);
  }, 250);
});
