// Without search: its index is built in a worker made of a blob, which the content policy forbids.
Redoc.init(
  "openapi.json",
  { disableSearch: true, hideDownloadButtons: false, nativeScrollbars: true },
  document.getElementById("redoc"),
);
