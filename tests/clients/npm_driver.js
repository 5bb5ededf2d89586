// Calls the npm client's methods as told: a JSON line in, JSON lines out, until the input ends.
//
//     NODE_PATH=<its node_modules> node npm_driver.js PORT
//
// In:  {"call": "agent.service.register", "args": [...]} or {"watch": "health.service", "options": {...}}
// Out: {"value": ...} or {"error": name, "text": message, "status": code}; of a watch {"change": data, "index": text}
//      for each change, {"watch_error": message} for each error, {"watch_end": true} when it gave up.
const Consul = require("consul");
const readline = require("readline");

const consul = new Consul({ host: "127.0.0.1", port: Number(process.argv[2]) });
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

function find(path) {
  const names = path.split(".");
  const method = names.pop();
  const owner = names.reduce((value, name) => value[name], consul);
  return owner[method].bind(owner);
}

async function call(order) {
  try {
    const value = await find(order.call)(...order.args);
    say({ value: value === undefined ? null : value });
  } catch (error) {
    const status = error.response ? error.response.statusCode : 0;
    say({ error: error.name, text: error.message, status });
  }
}

function watch(order) {
  const watcher = consul.watch({
    method: find(order.watch),
    options: order.options,
    backoffFactor: 50,
  });
  watcher.on("change", (data, response) => say({ change: data, index: response.headers["x-consul-index"] }));
  watcher.on("error", (error) => say({ watch_error: error.message }));
  watcher.on("end", () => say({ watch_end: true }));
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const order = JSON.parse(line);
  if (order.watch) watch(order);
  else call(order);
});
lines.on("close", () => process.exit(0));
