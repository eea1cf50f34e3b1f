/** Starts and stops LocalEmu, the local AWS of a rehearsal, with our plug-in in it. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureVenv } from "../packaging/python";
import type { FaultPlan } from "./faults";

const START_TIMEOUT_MS = 90_000;
const POLL_MS = 100;

/** Accounts whose root may call: a client signs with the account's id as its access key, and any secret key. */
export const ROOT_ACCOUNTS = ["111111111111", "222222222222", "333333333333"] as const;

export interface LocalEmuOptions {
    /** Let it run on after this process has ended; its files stay too. @default false */
    readonly keep?: boolean;
    /** What goes wrong from the start on; faults.ts sets and reads it while it runs. @default nothing */
    readonly faults?: FaultPlan;
    /** Told what takes long. @default a line on standard error */
    readonly log?: (line: string) => void;
}

/** A running LocalEmu. */
export interface LocalEmu {
    /** Such as http://127.0.0.1:40123. */
    readonly endpoint: string;
    readonly port: number;
    readonly pid: number;
    /** Everything it writes; removed by stop(). */
    readonly stateDirectory: string;
    /** One JSON line for each API call from outside: time, account, region, service, operation, principal, status, error, resource, requestId. */
    readonly callLogFile: string;
    /** One JSON line for each call of a function, with times by the function's own clock; see callLog.ts. Absent before the first one. */
    readonly exchangeLogFile: string;
    /** What LocalEmu itself has to say. */
    readonly logFile: string;
    /** Ends it with the functions and commands it runs, and removes its files. May be called twice. */
    stop(): Promise<void>;
}

/**
 * Starts a LocalEmu that shares nothing with another one: a free port on the loopback interface, a folder of its own. Takes 4 to 8
 * seconds, and some minutes more when the Python environment has to be made.
 *
 * @throws Error with the end of its log when it does not come up.
 */
export async function startLocalEmu(options: LocalEmuOptions = {}): Promise<LocalEmu> {
    const { python, bin } = await ensureVenv({
        name: "rehearsal",
        lockFile: path.join(__dirname, "requirements.lock"),
        localPackages: [path.join(__dirname, "../localemu-plugin")],
        log: options.log,
    });
    const stateDirectory = await mkdtemp(path.join(tmpdir(), "localemu-"));
    await Promise.all(["tmp", "home"].map((name) => mkdir(path.join(stateDirectory, name))));
    const port = await freePort();
    const callLogFile = path.join(stateDirectory, "calls.jsonl");
    const exchangeLogFile = path.join(stateDirectory, "exchanges.jsonl");
    const logFile = path.join(stateDirectory, "localemu.log");
    const log = openSync(logFile, "a", 0o600);
    const child = spawn(python, ["-m", "localemu.runtime.main"], {
        cwd: stateDirectory,
        env: environment({ bin, port, stateDirectory, callLogFile, exchangeLogFile, options }),
        // Its own process group, so that the functions it starts end with it.
        detached: true,
        stdio: [options.keep ? "ignore" : "pipe", log, log],
    });
    closeSync(log);
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.once("error", () => undefined);

    const kill = () => killGroup(child);
    const onExit = () => {
        kill();
        rmSync(stateDirectory, { recursive: true, force: true });
    };
    if (options.keep) {
        child.unref();
    } else {
        process.once("exit", onExit);
    }
    const stop = async () => {
        process.off("exit", onExit);
        kill();
        await ended;
        await rm(stateDirectory, { recursive: true, force: true, maxRetries: 5 });
    };

    const endpoint = `http://127.0.0.1:${port}`;
    try {
        await untilHealthy(child, endpoint, callLogFile);
    } catch (error) {
        const end = (await readFile(logFile, "utf8").catch(() => "")).trimEnd().split("\n").slice(-15).join("\n");
        await stop();
        throw new Error(`LocalEmu did not start: ${(error as Error).message}\nThe end of its log:\n${end}`, { cause: error });
    }
    return { endpoint, port, pid: child.pid!, stateDirectory, callLogFile, exchangeLogFile, logFile, stop };
}

/** Nothing of the caller's environment goes in but the time zone and the locale: neither credentials nor settings of another LocalEmu. */
function environment(launch: {
    bin: string;
    port: number;
    stateDirectory: string;
    callLogFile: string;
    exchangeLogFile: string;
    options: LocalEmuOptions;
}): NodeJS.ProcessEnv {
    const { stateDirectory, port, options } = launch;
    return {
        PATH: [launch.bin, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(path.delimiter),
        LANG: process.env.LANG ?? "C.UTF-8",
        TMPDIR: path.join(stateDirectory, "tmp"),
        HOME: path.join(stateDirectory, "home"),
        FILESYSTEM_ROOT: path.join(stateDirectory, "filesystem"),
        PYTHONUNBUFFERED: "1",
        GATEWAY_LISTEN: `127.0.0.1:${port}`,
        LOCALEMU_HOST: `127.0.0.1:${port}`,
        AWS_EC2_METADATA_DISABLED: "true",
        IAM_ENFORCEMENT: "1",
        ROOT_ACCESS_KEYS: ROOT_ACCOUNTS.join(","),
        LAMBDA_RUNTIME_EXECUTOR: "clean-room",
        // Lambda repeats a failed asynchronous invocation after one and two minutes; a rehearsal has not so much time.
        LAMBDA_RETRY_BASE_DELAY: "1",
        // No docker: instances are records, and Run Command is ours.
        EC2_VM_MANAGER: "none",
        LOCALEMU_ENI_REAL: "0",
        DNS_ADDRESS: "0",
        CLEAN_ROOM_STATE_DIRECTORY: stateDirectory,
        CLEAN_ROOM_CALL_LOG: launch.callLogFile,
        CLEAN_ROOM_EXCHANGE_LOG: launch.exchangeLogFile,
        CLEAN_ROOM_NODE: process.execPath,
        CLEAN_ROOM_END_WITH_LAUNCHER: options.keep ? "0" : "1",
        CLEAN_ROOM_FAULTS: (options.faults?.faults ?? []).join(" "),
        CLEAN_ROOM_THROTTLING: options.faults?.throttling ? "1" : "0",
    };
}

/** Healthy means that it answers and that our plug-in, which makes the call log last, is in it. */
async function untilHealthy(child: ChildProcess, endpoint: string, callLogFile: string): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
        if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
            throw new Error(`it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}.`);
        }
        const answer = await fetch(`${endpoint}/_localemu/health`, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
        if (answer?.ok && existsSync(callLogFile)) {
            return;
        }
        if (Date.now() > deadline) {
            throw new Error(`no healthy answer at ${endpoint} within ${START_TIMEOUT_MS / 1000} seconds.`);
        }
        await delay(POLL_MS);
    }
}

function killGroup(child: ChildProcess): void {
    try {
        if (child.pid !== undefined) {
            process.kill(-child.pid, "SIGKILL");
        }
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
            throw error;
        }
    }
}

async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}
