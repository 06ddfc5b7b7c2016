// Makes one description of all forges: of GitHub's own, the operations that `campaignctl comment` asks for, word for word, with
// what they refer to; and those of the other forges, from their documents.
//
// node describe.js api.github.com.json >forges.json
"use strict";
const fs = require("fs");
const path = require("path");

const OPERATIONS = {
  "/user": ["get"],
  "/repos/{owner}/{repo}/issues/{issue_number}/comments": ["get", "post"],
  "/repos/{owner}/{repo}/issues/comments/{comment_id}": ["patch"],
  "/repos/{owner}/{repo}/issues/{issue_number}/labels": ["get", "post"],
  "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}": ["delete"],
  "/repos/{owner}/{repo}/commits/{commit_sha}/pulls": ["get"],
};

const github = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const out = { openapi: github.openapi, info: { title: "forges", version: github.info.version }, paths: {}, components: {} };

const referred = (value) => {
  if (Array.isArray(value)) return value.forEach(referred);
  if (value === null || typeof value !== "object") return;
  if (typeof value.$ref === "string") {
    const [, , kind, name] = value.$ref.split("/");
    out.components[kind] ??= {};
    if (!(name in out.components[kind])) {
      out.components[kind][name] = github.components[kind][name];
      referred(out.components[kind][name]);
    }
  }
  Object.values(value).forEach(referred);
};

// Each forge has a path of its own, as none of them has the same.
const add = (prefix, paths) => {
  for (const [at, operations] of Object.entries(paths)) out.paths[prefix + at] = operations;
};

const own = {};
for (const [at, methods] of Object.entries(OPERATIONS)) {
  own[at] = Object.fromEntries(methods.map((method) => [method, github.paths[at][method]]));
  if (Object.values(own[at]).includes(undefined)) throw new Error(`GitHub has no ${methods} ${at}`);
  referred(own[at]);
}
add("/github", own);
for (const forge of ["gitlab", "gitee", "codeup"]) {
  add(`/${forge}`, JSON.parse(fs.readFileSync(path.join(__dirname, `${forge}.json`), "utf8")).paths);
}
process.stdout.write(JSON.stringify(out));
