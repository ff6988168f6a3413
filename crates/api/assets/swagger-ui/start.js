// The document is always this server's own: with the configuration in the query, a link could show
// somebody else's under this origin (CVE-2018-25031). It is tried out at the address that this page
// came from, whatever the document says: below the path prefix of a proxy, or past the proxy.
const base = new URL(".", document.baseURI).href.replace(/\/$/, "");

fetch("openapi.json")
  .then((answer) => answer.json())
  .then((spec) => {
    spec.servers = [{ url: base }];
    const flow = spec.components.securitySchemes.OAuth2PasswordBearer.flows.password;
    flow.tokenUrl = `${base}/api/v1/auth/login`;
    SwaggerUIBundle({
      spec,
      dom_id: "#swagger-ui",
      deepLinking: true,
      queryConfigEnabled: false,
      validatorUrl: null,
      persistAuthorization: false,
    });
  });
