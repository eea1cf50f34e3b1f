/**
 * Runs a Node Lambda handler. One JSON request a line on standard input:
 * {requestId, functionArn, event: JSON text, timeoutMs, aheadMs: how much later it is for the function than it is}; one reply a line on standard output, marked, since the function
 * writes its log there too: {result: JSON text} or {error: {errorType, errorMessage, trace}, exits: whether it ends now}.
 *
 * Its argument is a file that gets a line for each HTTP exchange of the function: when it sent the request and had read the
 * answer, by its own clock. A server that serves requests one by one cannot tell which of them were sent side by side.
 */
"use strict";
const { subscribe } = require("node:diagnostics_channel");
const { appendFileSync, existsSync, readFileSync, writeSync } = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const { pathToFileURL } = require("node:url");

const { LAMBDA_TASK_ROOT: root, _HANDLER: handlerName, ...env } = process.env;
const separator = handlerName.lastIndexOf(".");
const [moduleName, exportName] = [handlerName.slice(0, separator), handlerName.slice(separator + 1)];

// Only what asks for the present sees it; a Date of a given moment is what it was.
let aheadMs = 0;
const RealDate = Date;
const present = () => RealDate.now() + aheadMs;
globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, wanted) => Reflect.construct(target, given.length === 0 ? [present()] : given, wanted),
    apply: () => new RealDate(present()).toString(),
    get: (target, name) => (name === "now" ? present : Reflect.get(target, name)),
});

const sentAt = new WeakMap();
const now = () => performance.timeOrigin + performance.now();
subscribe("http.client.request.start", ({ request }) => sentAt.set(request, now()));
subscribe("http.client.response.finish", ({ request, response }) => {
    const requestId = response.headers["x-amzn-requestid"] ?? response.headers["x-amz-request-id"];
    if (requestId !== undefined) {
        // One write a line: lines of several environments never mix.
        appendFileSync(process.argv[2], `${JSON.stringify({ requestId, sentAt: sentAt.get(request), answeredAt: now() })}\n`);
    }
});

function reply(message) {
    writeSync(1, `\x01clean-room-reply ${JSON.stringify(message)}\n`);
}

function describe(error) {
    if (!(error instanceof Error)) {
        return { errorType: typeof error, errorMessage: String(error), trace: [] };
    }
    return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split("\n") };
}

function isEsModule(file) {
    if (!file.endsWith(".js")) {
        return file.endsWith(".mjs");
    }
    const manifest = path.join(root, "package.json");
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).type === "module";
}

async function loadHandler() {
    const file = [".js", ".mjs", ".cjs"].map((extension) => path.join(root, moduleName + extension)).find(existsSync);
    if (file === undefined) {
        throw Object.assign(new Error(`Cannot find module '${moduleName}'`), { name: "Runtime.ImportModuleError" });
    }
    const loaded = isEsModule(file) ? await import(pathToFileURL(file).href) : require(file);
    const handler = loaded[exportName] ?? loaded.default?.[exportName];
    if (typeof handler !== "function") {
        throw Object.assign(new Error(`${handlerName} is undefined or not exported`), { name: "Runtime.HandlerNotFound" });
    }
    return handler;
}

function invoke(handler, { requestId, functionArn, event, timeoutMs, aheadMs: ahead }) {
    aheadMs = ahead;
    const deadline = Date.now() + timeoutMs;
    return new Promise((resolve, reject) => {
        const done = (error, value) => (error ? reject(error) : resolve(value));
        const context = {
            awsRequestId: requestId, invokedFunctionArn: functionArn, callbackWaitsForEmptyEventLoop: true,
            functionName: env.AWS_LAMBDA_FUNCTION_NAME, functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
            memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
            logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME, logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
            getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
            done, fail: (error) => done(error), succeed: (value) => done(null, value),
        };
        const returned = handler(JSON.parse(event === "" ? "null" : event), context, done);
        if (typeof returned?.then === "function") {
            returned.then(resolve, reject);
        }
    });
}

// The error of an import is told to the invocation, as Lambda does. Lambda starts afresh after it, and so do we.
const loading = loadHandler().then((handler) => ({ handler }), (error) => ({ error }));

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
    try {
        const { handler, error } = await loading;
        if (error) {
            throw error;
        }
        reply({ result: JSON.stringify(await invoke(handler, JSON.parse(line))) ?? "null" });
    } catch (error) {
        const exits = (await loading).error !== undefined;
        reply({ error: describe(error), exits });
        if (exits) {
            process.exit(1);
        }
    }
}).on("close", () => process.exit(0));

// Lambda ends the environment on both.
process.on("unhandledRejection", (error) => {
    reply({ error: { ...describe(error), errorType: "Runtime.UnhandledPromiseRejection" }, exits: true });
    process.exit(128);
});
process.on("uncaughtException", (error) => {
    reply({ error: describe(error), exits: true });
    process.exit(129);
});
