// Speaks the language server protocol with yaml-language-server, as an editor does: editor.mjs SERVER REPOSITORY DEMO
// DEMO is the cluster.yaml that `clusterwright demo` fills in.
// Prints what failed and, in the last line, how many checks passed and failed.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [server, repository, demo] = process.argv.slice(2);
const schemaFile = `${repository}/schema/cluster.schema.json`;
const schema = JSON.parse(readFileSync(schemaFile, "utf8"));

const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
let buffer = Buffer.alloc(0);
let lastId = 0;
const waiting = new Map(); // id of a request → what takes its answer
const published = new Map(); // address of a document → what takes its diagnostics
const settings = {
  yaml: {
    schemas: { [pathToFileURL(schemaFile).href]: ["*.yaml"] },
    schemaStore: { enable: false },
    validate: true,
    hover: true,
    completion: true,
  },
};

function send(message) {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
function request(method, params) {
  const id = ++lastId;
  send({ id, method, params });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${method}`)), 20000);
    waiting.set(id, (result) => (clearTimeout(timer), resolve(result)));
  });
}
function receive(message) {
  if (message.method && message.id !== undefined) {
    // A request of the server: what the editor is set to.
    const items = message.params?.items ?? [];
    send({ id: message.id, result: items.map((item) => settings[item.section] ?? null) });
  } else if (message.method === "textDocument/publishDiagnostics") {
    published.get(message.params.uri)?.(message.params.diagnostics);
  } else if (waiting.has(message.id)) {
    waiting.get(message.id)(message.result);
    waiting.delete(message.id);
  }
}
child.stdout.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  for (;;) {
    const header = buffer.indexOf("\r\n\r\n");
    if (header < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.toString("latin1", 0, header))[1]);
    if (buffer.length < header + 4 + length) return;
    const body = buffer.toString("utf8", header + 4, header + 4 + length);
    buffer = buffer.subarray(header + 4 + length);
    receive(JSON.parse(body));
  }
});

let documents = 0;
/** Opens a document; returns its address and what the server finds in it. */
async function open(text) {
  const uri = `file:///editor-test/${++documents}/cluster.yaml`;
  const found = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no diagnostics")), 20000);
    published.set(uri, (diagnostics) => (clearTimeout(timer), resolve(diagnostics)));
  });
  send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
  return { uri, diagnostics: await found };
}
const at = (uri, line, character) => ({ textDocument: { uri }, position: { line, character } });
const complete = async (uri, line, character) => {
  const answer = await request("textDocument/completion", at(uri, line, character));
  return Array.isArray(answer) ? answer : (answer?.items ?? []);
};
const words = (documentation) => (typeof documentation === "string" ? documentation : (documentation?.value ?? ""));

// The modeline names the copy of the schema in a user's repository, which is not here.
const readable = (text) => text.replace(/^# yaml-language-server:.*\n/m, "\n");
const placeholders = () =>
  [schema.properties, schema.properties.nodes.items.properties]
    .flatMap((properties) => Object.values(properties))
    .flatMap((property) => property["x-placeholder"] ?? []);

let passed = 0;
let failed = 0;
function check(name, right, shown = "") {
  if (right) passed += 1;
  else {
    failed += 1;
    console.log(`FAIL ${name} ${typeof shown === "string" ? shown : JSON.stringify(shown)}`.trimEnd().slice(0, 400));
  }
}

async function main() {
  await request("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: {
      textDocument: {
        completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown", "plaintext"] } },
        hover: { contentFormat: ["markdown", "plaintext"] },
      },
      workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: false } },
    },
  });
  send({ method: "initialized", params: {} });
  send({ method: "workspace/didChangeConfiguration", params: { settings } });

  // The example: nothing but the values that are still to be filled in.
  const example = readable(readFileSync(`${repository}/cluster.example.yaml`, "utf8"));
  const lines = example.split("\n");
  const { diagnostics } = await open(example);
  const others = diagnostics.filter((d) => !placeholders().some((text) => lines[d.range.start.line].includes(text)));
  check("cluster.example.yaml has findings at placeholders only", others.length === 0, others);

  // The same file filled in: nothing at all.
  const filled = await open(readable(readFileSync(demo, "utf8")));
  check("the cluster.yaml of the demo has no findings", filled.diagnostics.length === 0, filled.diagnostics);

  // An empty document: every key, with its documentation.
  const empty = await open("");
  const offered = new Map((await complete(empty.uri, 0, 0)).map((item) => [item.label, item]));
  for (const [key, property] of Object.entries(schema.properties)) {
    check(`completion offers ${key}`, offered.has(key));
    const documentation = words(offered.get(key)?.documentation);
    const sentence = property.description.split(/[.\n`]/)[0];
    check(`completion documents ${key}`, documentation.includes(sentence), documentation);
  }

  // Every value of every enumeration.
  for (const [key, property] of Object.entries(schema.properties)) {
    if (!property.enum) continue;
    const { uri } = await open(`${key}: `);
    const values = (await complete(uri, 0, key.length + 2)).map((item) => item.label);
    for (const value of property.enum) check(`${key}: completion offers ${value}`, values.includes(String(value)), values);
  }

  // Below a node: the keys of a node.
  const text = "nodes:\n  - name: k8s-1\n    ";
  const node = await open(text);
  const below = (await complete(node.uri, 2, 4)).map((item) => item.label);
  for (const key of Object.keys(schema.properties.nodes.items.properties)) {
    if (key !== "name") check(`completion below a node offers ${key}`, below.includes(key), below);
  }

  // Hovering shows the documentation.
  for (const [key, property] of Object.entries(schema.properties)) {
    const { uri } = await open(`${key}: x\n`);
    const hover = await request("textDocument/hover", at(uri, 0, 2));
    const shown = words(Array.isArray(hover?.contents) ? hover.contents[0] : hover?.contents).replaceAll("\\", "");
    check(`hovering over ${key} shows its documentation`, shown.includes(property.description.split(/[.\n`]/)[0]), shown);
  }

  // What is wrong is flagged.
  const wrong = await open(`${example}\nno_such_key: true\n`);
  check("an unknown key is flagged", wrong.diagnostics.some((d) => d.message.includes("no_such_key")), wrong.diagnostics);
  const bad = await open(example.replace(/^node_cidr:.*/m, "node_cidr: [1]"));
  check("a wrong type is flagged", bad.diagnostics.length > 0);
  const missing = await open("cluster_name: test\n");
  check("a missing key is flagged", missing.diagnostics.some((d) => /missing/i.test(d.message)), missing.diagnostics);
}

main()
  .catch((error) => check("the conversation with the server", false, String(error)))
  .finally(() => {
    console.log(`${passed} ${failed}`);
    child.kill();
    process.exit(failed ? 1 : 0);
  });
