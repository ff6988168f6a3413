"""A mail server for tests. It writes each mail to FOLDER/mails, and what it heard to FOLDER/heard.

Recipients are treated by their local part: `greylist…` is deferred the first time, `refuse…` refused,
`busy…` answered with 421; after the text of a mail, `spam…` is refused and the mail quoted, `hang…`
never answered, and `cut…` cut off.
"""

import argparse
import asyncio
import email
import email.policy
import json
import pathlib
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--starttls", nargs=2, metavar=("CERTIFICATE", "KEY"))
parser.add_argument("--implicit", nargs=2, metavar=("CERTIFICATE", "KEY"))
parser.add_argument("--login", nargs=2, metavar=("USER", "PASSWORD"))
parser.add_argument("--utf8", action="store_true", help="offers SMTPUTF8")
parser.add_argument("--slow", type=float, default=0, help="thinks for so many seconds before it takes a recipient, and after it has taken a mail")
parser.add_argument("--timeout", type=float, default=300, help="closes idle connections, in seconds")
options = parser.parse_args()


class Handler:
    def __init__(self):
        self.seen = set()
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("greylist") and address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 greylisted, come back later"
        if address.startswith("refuse"):
            return f"550 5.1.1 <{address}> is not here"
        if address.startswith("busy"):
            return "421 4.3.2 going down"
        await asyncio.sleep(options.slow)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[0]
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = parsed.get_body(("plain",)).get_content()
        if recipient.startswith("spam"):
            link = next(word for word in text.split() if word.startswith("https://"))
            return f"554 5.7.1 refused because of {link}"
        if recipient.startswith("hang"):
            await asyncio.sleep(3600)
        if recipient.startswith("cut"):
            server.transport.abort()
            await asyncio.sleep(3600)
        self.count += 1
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "tls": session.ssl is not None or options.implicit is not None,
            "user": session.auth_data,
            "raw": envelope.content.decode("utf-8"),
            "defects": [str(defect) for part in parsed.walk() for defect in part.defects],
            "headers": {name: str(value) for name, value in parsed.items()},
            "type": parsed.get_content_type(),
            "subject": parsed["Subject"],
            "text": text,
            "html": parsed.get_body(("html",)).get_content(),
        }
        # Nobody reads half of it.
        file = options.folder / "mails" / f"{self.count:06}"
        file.with_suffix(".part").write_text(json.dumps(mail), "utf-8")
        file.with_suffix(".part").rename(file.with_suffix(".json"))
        await asyncio.sleep(options.slow)
        return "250 taken"


class Server(SMTP):
    connections = 0

    def connection_made(self, transport):
        Server.connections += 1
        self.number = getattr(self, "number", Server.connections)
        super().connection_made(transport)


def authenticate(server, session, envelope, mechanism, data):
    is_right = [data.login.decode(), data.password.decode()] == options.login
    return AuthResult(success=is_right, handled=False, auth_data=data.login.decode())


def context(files):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files)
    return made


def heard(connection, command):
    with open(options.folder / "heard", "a", encoding="utf-8") as file:
        file.write(f"{connection} {command}\n")


def server():
    made = Server(
        handler,
        hostname="mail.example",
        enable_SMTPUTF8=options.utf8,
        tls_context=context(options.starttls) if options.starttls else None,
        require_starttls=options.starttls is not None,
        auth_required=options.login is not None,
        auth_require_tls=False,
        authenticator=authenticate if options.login else None,
        timeout=options.timeout,
    )
    for name, method in made._smtp_methods.items():
        made._smtp_methods[name] = listening(made, name, method)
    return made


def listening(made, name, method):
    async def listen(argument):
        shown = "…" if name == "AUTH" else argument or ""
        heard(made.number, f"{name} {shown}".strip())
        return await method(argument)

    return listen


async def serve():
    ssl_context = context(options.implicit) if options.implicit else None
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server, "127.0.0.1", options.port, ssl=ssl_context)
    await listener.serve_forever()


handler = Handler()
asyncio.run(serve())
