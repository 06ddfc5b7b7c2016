// Opens a page in headless Chromium in each look, a width and light or dark, and prints what it saw as JSON: whether it scrolls
// sideways, what it asked for, what its policy refused, what scripts ran, and what axe-core finds. Takes pictures where a directory
// for them is given.
//
// usage: look.mjs MODULES PAGE 400-light,1400-dark [DIRECTORY]
// or:    look.mjs MODULES PAGE 1100-light FILE.webp HEIGHT
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, page, looks, pictures, height] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "x.js"));
const puppeteer = require("puppeteer-core");
const axe = require("axe-core");

// What a plan's page is opened with: no sandbox of its own, since tests run as root, and nothing of the browser's own that asks.
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--force-color-profile=srgb"],
});

async function opened(width, height, scheme, saw) {
  const tab = await browser.newPage();
  await tab.setViewport({ width, height });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  tab.on("request", (request) => saw.requests.push(request.url()));
  tab.on("dialog", (dialog) => { saw.scripts.push(dialog.message()); dialog.dismiss(); });
  await tab.evaluateOnNewDocument(() => {
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await tab.goto(pathToFileURL(path.resolve(page)).href, { waitUntil: "load" });
  return tab;
}

const seen = [];
for (const look of looks.split(",")) {
  const [width, scheme] = [Number.parseInt(look, 10), look.split("-")[1]];
  const saw = { width, scheme, requests: [], scripts: [] };
  const tab = await opened(width, Number(height ?? 900), scheme, saw);
  if (pictures) {
    const picture = height ? pictures : path.join(pictures, `${look}.png`);
    await tab.screenshot({ path: picture, fullPage: !height });
  }
  saw.folded = await tab.$$eval("details:not([open])", (all) => all.length);
  // What is folded has to be looked at, too.
  await tab.$$eval("details", (all) => all.forEach((each) => { each.open = true; }));
  saw.scrolls = await tab.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  saw.refused = await tab.evaluate(() => window.refused);
  saw.background = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  saw.title = await tab.title();
  // The page itself is all that was asked for.
  saw.requests = saw.requests.slice(1);
  await tab.evaluate(axe.source);
  const found = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  saw.findings = found.violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.slice(0, 3).map((node) => node.html) }));
  seen.push(saw);
  await tab.close();
}
console.log(JSON.stringify(seen));
await browser.close();
