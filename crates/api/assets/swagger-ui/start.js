// The document is always this server's own: with the configuration in the query, a link could show
// somebody else's under this origin (CVE-2018-25031).
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  queryConfigEnabled: false,
  validatorUrl: null,
  persistAuthorization: false,
});
