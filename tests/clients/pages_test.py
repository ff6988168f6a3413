"""Attacks on the pages, by a client that knows nothing of them: it finds every page and form by following
links, as an attacker would, and tries to change something from another site, to plant or keep a session, to
lead somebody away, and to write a script into a page."""

import html.parser
import json
import os
import urllib.parse

import requests

ORIGIN = os.environ["MENJIN_URL"]
# Where people reach the server; over https its cookie has to be safe, too.
PUBLIC = os.environ["MENJIN_PUBLIC"]
PASSWORD = "correct horse 7"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}<!--"
# The pages that are there before a login.
OPEN = ["login", "register", "forgot-password", "reset-password", "verify-email", "undo-email-change",
        "accept-invitation"]
SAME = {"Sec-Fetch-Site": "same-origin"}


class Page(html.parser.HTMLParser):
    """What a browser would make of a page: its tags with their attributes, links and forms."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.forms, self.form, self.words = [], set(), [], None, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == "a":
            self.links.add(attrs["href"])
        if tag == "form":
            self.form = {"action": attrs.get("action"), "kind": attrs.get("enctype"), "fields": {}, "buttons": []}
            if attrs.get("method") == "post":
                self.forms.append(self.form)
        elif tag in ("input", "textarea", "select") and attrs.get("name"):
            self.form["fields"][attrs["name"]] = attrs.get("value") or ""
        elif tag == "button":
            self.form["buttons"].append((attrs.get("name"), attrs.get("value")))

    def handle_data(self, data):
        self.words += data


class Browser:
    """Keeps its cookies, and remembers how the last ones were set."""

    def __init__(self):
        self.cookies, self.was_set = {}, []

    def ask(self, method, path, form=None, headers=(), kind=None):
        headers = {"Accept": "text/html", **dict(headers)}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        parts = None
        if kind == "multipart/form-data":
            parts, form = {field: (None, value) for field, value in form.items()}, None
        answer = requests.request(
            method, ORIGIN + path, data=form, files=parts, headers=headers, timeout=10, allow_redirects=False
        )
        self.was_set = answer.raw.headers.getlist("set-cookie")
        for cookie in self.was_set:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def open(self, path):
        return self.ask("GET", path)

    def send(self, path, headers=SAME, **fields):
        mark = Page(self.open(path).text).forms[-1]["fields"]["form_token"]
        return self.ask("POST", path, {"form_token": mark, **fields}, headers)

    def log_in(self, name, **more):
        return self.send("/account/login", username=name, password=PASSWORD, action="login", **more)


def api(method, path, body=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.request(method, f"{ORIGIN}/api/v1{path}", json=body, headers=headers, timeout=10)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def register(name, **more):
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **more}
    return api("POST", "/auth/register", body)


# Somebody whose every text is hostile, with devices of hostile names; an invitation and a ban say the same.
register("mallory", full_name=HOSTILE[:100])
for agent in (HOSTILE.encode(), b"Mozilla/5.0 <script>alert(3)</script>"):
    login = {"username": "mallory", "password": PASSWORD}
    requests.post(f"{ORIGIN}/api/v1/auth/login", json=login, headers={"User-Agent": agent}, timeout=10)
register("ann")
token = api("POST", "/auth/login", {"username": "root", "password": PASSWORD})["access_token"]
api("POST", "/users/2/ban", {"until": "2099-01-01T00:00:00Z", "reason": HOSTILE[:100]}, token)
api("POST", "/invitations", {"email": "class@example.com", "role": "student"}, token)

root = Browser()
root.open("/account/login")
planted = dict(root.cookies)
assert root.log_in("root").status_code == 303

# The cookie: not readable by scripts, not sent by forms of other sites; over https it is for https alone.
[cookie] = root.was_set
assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie, cookie
assert ("; Secure" in cookie and cookie.startswith("__Host-")) == PUBLIC.startswith("https://"), cookie
assert "Domain" not in cookie, cookie

# Fixation: what was there before the login names nobody afterwards, and a cookie of one's own choice is none.
assert dict(root.cookies) != planted
[name] = root.cookies
for value in (planted[name], "0" * 64, "1", "", HOSTILE.encode("ascii", "replace").decode()):
    thief = Browser()
    thief.cookies = {name: urllib.parse.quote(value)}
    answer = thief.open("/account/profile")
    assert answer.status_code == 303 and "login" in answer.headers["Location"], (value, answer.text)
    # Whoever logs in with it gets another one.
    assert thief.log_in("ann").status_code == 303
    assert thief.cookies[name] != value

# Every page that can be reached, as the administrator sees it.
pages, found = {}, ["/account/profile", "/console/overview", *(f"/account/{page}" for page in OPEN)]
while found:
    path = found.pop()
    shape = path.split("?")[0]
    # Of lists with many places, some are enough.
    if path in pages or sum(shape == other.split("?")[0] for other in pages) > 12:
        continue
    answer = root.open(path)
    if answer.status_code == 303:
        found.append(urllib.parse.urljoin(path, answer.headers["Location"]))
        pages[path] = None
        continue
    assert answer.status_code == 200, (path, answer.status_code, answer.text)
    headers = answer.headers
    assert "no-store" in headers["Cache-Control"], (path, headers)
    assert headers["X-Content-Type-Options"] == "nosniff", (path, headers)
    if not headers["Content-Type"].startswith("text/html"):
        # A file: nothing in it is run.
        assert headers["Content-Disposition"].startswith("attachment"), (path, headers)
        pages[path] = None
        continue
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'" and policy["default-src"] == "'none'", (path, policy)
    assert "unsafe" not in headers["Content-Security-Policy"], (path, policy)
    page = pages[path] = Page(answer.text)
    for tag, attrs in page.tags:
        assert not any(attribute.startswith("on") or attribute == "style" for attribute in attrs), (path, tag, attrs)
        assert tag != "script" or urllib.parse.urlsplit(attrs["src"]).scheme == "", (path, attrs)
        assert tag not in ("iframe", "object", "embed", "base"), (path, tag)
        if tag == "img":
            assert attrs["src"] != "x", (path, attrs)
    assert "49<!--" not in page.words, (path, "a text was taken for a template")
    for link in page.links:
        target = urllib.parse.urlsplit(urllib.parse.urljoin(PUBLIC + path, link))
        assert (target.scheme, target.netloc) == urllib.parse.urlsplit(PUBLIC)[:2], (path, link)
        if target.path.startswith(("/account/", "/console/")):
            found.append(f"{target.path}?{target.query}" if target.query else target.path)
shown = [path for path, page in pages.items() if page]
assert len(shown) > 25 and any("alert(1)" in pages[path].words for path in shown), shown

# Every form of them, sent from elsewhere, without a mark, and with the marks of others.
stranger, other = Browser(), Browser()
mark_of_nobody = Page(stranger.open("/account/login").text).forms[-1]["fields"]["form_token"]
other.log_in("ann")
mark_of_ann = Page(other.open("/account/profile").text).forms[-1]["fields"]["form_token"]
public_host = urllib.parse.urlsplit(PUBLIC).netloc


def newest():
    return api("GET", "/audit?limit=1", token=token)["events"][0]


forms = {}
for path in shown:
    for form in pages[path].forms:
        target = urllib.parse.urljoin(path, form["action"] or path.split("?")[0])
        forms.setdefault(target, (path, form))
assert len(forms) > 20, sorted(forms)
last = newest()
for target, (path, form) in sorted(forms.items()):
    own = form["fields"]["form_token"]
    filled = {"current_password": PASSWORD, "id": "3", **{k: v for k, v in form["fields"].items() if v}}
    filled.update(button for button in form["buttons"] if button[0])
    attacks = [
        ("another site", own, {"Sec-Fetch-Site": "cross-site"}),
        ("a sibling of the site", own, {"Sec-Fetch-Site": "same-site"}),
        ("an address typed in", own, {"Sec-Fetch-Site": "none"}),
        ("another origin", own, {"Origin": "https://evil.example"}),
        ("a sandboxed frame", own, {"Origin": "null"}),
        ("an origin that begins alike", own, {"Origin": PUBLIC + ".evil.example"}),
        ("a forged host", own, {"Origin": "http://evil.example", "Host": "evil.example"}),
        ("an old browser's link", own, {"Referer": PUBLIC + "/account/profile"}),
        ("no mark", "", SAME),
        ("another's mark", mark_of_ann, SAME),
        ("a mark from before the login", mark_of_nobody, SAME),
        ("a mark that was changed", own[:-1] + ("0" if own[-1] != "0" else "1"), SAME),
    ]
    for what, mark, headers in attacks:
        answer = root.ask("POST", target, {**filled, "form_token": mark}, headers, form["kind"])
        # A list that is only looked at has no form that is taken.
        refused = (403,) if form["buttons"] else (403, 405)
        assert answer.status_code in refused, (target, what, answer.status_code, answer.text[:2000])
    # As JSON, and as the plain text that a form of another site can send.
    for kind in ("application/json", "text/plain"):
        body = json.dumps({**filled, "form_token": own})
        answer = root.ask("POST", target, body, {"Content-Type": kind, "Sec-Fetch-Site": "cross-site"})
        assert answer.status_code in (*refused, 415), (target, kind, answer.status_code)
    # A look is no change: neither is the form sent as a link.
    for method in ("GET", "HEAD"):
        root.ask(method, f"{target}?{urllib.parse.urlencode(filled)}", headers={"Sec-Fetch-Site": "cross-site"})
    # Only exports are recorded that are only looked at.
    assert newest()["id"] == last["id"] or newest()["action"] == "users_exported", (target, newest())
    last = newest()
assert root.open("/account/profile").status_code == 200, "nobody was logged out"

# Nobody is led away.
for place in ("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
              "javascript:alert(1)", "data:text/html,x", "///evil.example", "https:evil.example", "/%09/evil.example",
              f"{PUBLIC}@evil.example/", f"{PUBLIC}.evil.example/", "evil.example", "http:/\\evil.example",
              "/account/../..//evil.example", "\r\nLocation: https://evil.example", "@evil.example", ".evil.example"):
    for path in ("/account/login", "/account/register"):
        answer = root.open(f"{path}?{urllib.parse.urlencode({'next': place})}")
        to = answer.headers.get("Location", "profile")
        landed = urllib.parse.urlsplit(urllib.parse.urljoin(PUBLIC + path, to.replace("\\", "/")))
        assert landed.netloc == public_host, (place, path, to)
    visitor = Browser()
    answer = visitor.log_in("ann", next=place)
    to = answer.headers.get("Location", "profile")
    landed = urllib.parse.urlsplit(urllib.parse.urljoin(PUBLIC + "/account/login", to.replace("\\", "/")))
    assert landed.netloc == public_host, (place, to)

# After the logout the cookie is worth nothing, whoever kept it, and no page may be shown out of a store.
kept = dict(root.cookies)
mark = Page(root.open("/account/profile").text).forms[0]["fields"]["form_token"]
assert root.ask("POST", "/account/logout", {"form_token": mark}, SAME).status_code == 303
for cookies in (dict(root.cookies), kept):
    ghost = Browser()
    ghost.cookies = cookies
    for path in shown:
        answer = ghost.open(path)
        assert "mallory" not in answer.text and "root" not in answer.text, (path, answer.text)
        is_public = path.split("?")[0].split("/")[-1] in OPEN
        assert is_public or answer.status_code == 303 and "login" in answer.headers["Location"], (path, answer.text)
print(f"{len(shown)} pages, {len(forms)} forms")
