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

// A passkey answers in place of a code, or of name and password; or one is made. What it is asked for comes from
// the server, and its answer goes into a field of the form.
const passkey = document.querySelector("[data-passkey]");
const form = passkey?.closest("form");

const say = (role, text) => {
  form.querySelector("[data-said]")?.remove();
  const line = document.createElement("p");
  line.setAttribute("role", role);
  line.dataset.said = "";
  line.className = role === "alert" ? "error" : "notice";
  line.textContent = text;
  passkey.before(line);
};

const askedFor = async () => {
  const body = new URLSearchParams();
  for (const name of ["form_token", "mfa_token", "token"]) {
    if (form.elements[name]) body.set(name, form.elements[name].value);
  }
  const answer = await fetch(passkey.dataset.options, { method: "POST", body });
  if (!answer.ok) throw new Error(answer.statusText);
  return PublicKeyCredential.parseRequestOptionsFromJSON(await answer.json());
};

const withPasskey = async (work) => {
  try {
    await work();
  } catch {
    say("alert", passkey.dataset.failed);
  }
};

const answerInto = async (name) => {
  const credential = await navigator.credentials.get({ publicKey: await askedFor() });
  const field = form.elements[name];
  field.value = JSON.stringify(credential.toJSON());
  const actions = form.querySelectorAll('button:not([type="button"])');
  // Where there is one thing to do, it is done. A log-in by passkey alone needs no other field.
  if (name === "credential") return form.submit();
  if (actions.length === 1 && form.querySelectorAll(":invalid").length === 0) return form.requestSubmit(actions[0]);
  field.closest(".field").hidden = true;
  passkey.hidden = true;
  say("status", passkey.dataset.given);
};

const make = async (button) => {
  const asked = JSON.parse(form.elements.options.value);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked);
  const credential = await navigator.credentials.create({ publicKey });
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.requestSubmit(button);
};

if (passkey?.dataset.passkey === "options") {
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    withPasskey(() => make(event.submitter));
  });
} else if (passkey && window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  passkey.hidden = false;
  passkey.querySelector("button").addEventListener("click", () => withPasskey(() => answerInto(passkey.dataset.passkey)));
}
