// No inlined files and no polyfill: the page's content-security policy allows neither.
export default {
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
};
