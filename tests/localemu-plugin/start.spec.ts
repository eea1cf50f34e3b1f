/** Starting and stopping LocalEmu: alone on this machine, and gone without a trace. */
import { CreateBucketCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { expect } from "chai";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import path from "node:path";
import { readFaults } from "../../rehearsal/faults";
import { startLocalEmu, type LocalEmu } from "../../rehearsal/localEmu";
import { allow, makeFunction, makeRole, zipped } from "./support/functions";
import { clientsOf, FORENSICS, localEmu, rootOf, unique, until } from "./support/localAws";

const root = path.resolve(__dirname, "../..");

describe("LocalEmu: launcher", function () {
    this.timeout(60_000);
    let shared: LocalEmu;
    before(async function () {
        this.timeout(600_000);
        shared = await localEmu();
    });

    it("listens on the loopback address alone", async () => {
        expect(await answers("127.0.0.1", shared.port)).to.equal(true);
        const others = Object.values(networkInterfaces())
            .flat()
            .filter((each) => !each!.internal)
            .map((each) => each!.address);
        // On Linux all of 127.0.0.0/8 leads here, so that there is always another address to try.
        for (const address of [...others, "127.0.0.2", "::1"]) {
            expect(await answers(address, shared.port), address).to.equal(false);
        }
        const sockets = socketsOf(shared.pid);
        expect(sockets.length > 0, "sockets were found").to.equal(existsSync("/proc/self/fd"));
        for (const socket of sockets) {
            expect(socket.local, `a socket in state ${socket.state}`).to.match(LOOPBACK);
            expect(socket.remote, "a peer").to.match(LOOPBACK);
        }
    });

    it("shares nothing with a second one, and leaves no file and no process behind", async () => {
        const faults = ["iam:ListRoles#1=error"];
        const second = await startLocalEmu({ log: () => undefined, faults: { faults, throttling: true } });
        try {
            expect(await readFaults(second.endpoint)).to.deep.equal({
                faults: [{ fault: faults[0], calls: 0, hits: 0 }],
                throttling: true,
            });
            expect(await readFaults(shared.endpoint)).to.deep.equal({ faults: [], throttling: false });
            const bucket = unique("bucket");
            const there = clientsOf(second.endpoint, { accessKeyId: FORENSICS, secretAccessKey: "rehearsal" });
            const here = await rootOf(FORENSICS);
            await there.s3.send(
                new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }),
            );
            expect((await here.s3.send(new ListBucketsCommand({}))).Buckets!.map((each) => each.Name)).not.to.include(bucket);
            expect(second.stateDirectory).not.to.equal(shared.stateDirectory);

            const functionName = await makeFunction(
                there,
                await makeRole(there, { Service: "lambda.amazonaws.com" }, [allow("logs:*", "*")]),
                zipped("exports.handler = async () => process.pid;"),
            );
            const pid = Number(
                new TextDecoder().decode((await there.lambda.send(new InvokeCommand({ FunctionName: functionName }))).Payload),
            );
            expect([second.pid, pid].map(runs)).to.deep.equal([true, true]);
            await second.stop();
            await second.stop();
            await until("the processes' end", async () => ([second.pid, pid].some(runs) ? undefined : true));
            expect(existsSync(second.stateDirectory)).to.equal(false);
            expect(await answers("127.0.0.1", second.port)).to.equal(false);
        } finally {
            await second.stop();
        }
    });

    it("ends with the process that started it, however that ends", async () => {
        const program = `require("${root}/rehearsal/localEmu").startLocalEmu({ log: () => undefined }).then((it) => console.log(JSON.stringify(it)));`;
        const child = spawn(process.execPath, ["-r", "tsx/cjs", "-e", program], {
            cwd: root,
            stdio: ["ignore", "pipe", "inherit"],
        });
        const line = await new Promise<string>((resolve, reject) => {
            let text = "";
            child.stdout.on("data", (chunk) => ((text += chunk).includes("\n") ? resolve(text) : undefined));
            child.once("close", () => reject(new Error("the launcher ended before LocalEmu was up")));
        });
        const { pid, stateDirectory } = JSON.parse(line) as LocalEmu;
        expect(runs(pid)).to.equal(true);
        child.kill("SIGKILL");
        await until("LocalEmu's end", async () => (runs(pid) ? undefined : true));
        expect(existsSync(stateDirectory)).to.equal(false);
    });

    it("is not ours to use without a known account", async () => {
        const stranger = clientsOf(shared.endpoint, { accessKeyId: "444444444444", secretAccessKey: "rehearsal" });
        const error = await stranger.s3.send(new ListBucketsCommand({})).then(
            () => "allowed",
            (reason: Error) => reason.name,
        );
        expect(error).to.equal("InvalidClientTokenId");
    });
});

const LOOPBACK =
    /^(0100007F|00000000000000000000000001000000|0000000000000000FFFF00000100007F|00000000:0000$|00000000000000000000000000000000:0000$)/;

function answers(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: 2_000 });
        const end = (result: boolean) => {
            socket.destroy();
            resolve(result);
        };
        socket
            .once("connect", () => end(true))
            .once("error", () => end(false))
            .once("timeout", () => end(false));
    });
}

/** Whether a process is there and not only waiting to be reaped. */
function runs(pid: number): boolean {
    try {
        process.kill(pid, 0);
    } catch {
        return false;
    }
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

/** TCP sockets of a process as the kernel writes them (hexadecimal); none on a system without /proc. */
function socketsOf(pid: number): { local: string; remote: string; state: string }[] {
    if (!existsSync(`/proc/${pid}/fd`)) {
        return [];
    }
    const inodes = new Set(
        readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
            try {
                return [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]];
            } catch {
                return [];
            }
        }),
    );
    return ["tcp", "tcp6"]
        .flatMap((kind) =>
            readFileSync(`/proc/${pid}/net/${kind}`, "utf8")
                .trim()
                .split("\n")
                .slice(1)
                .map((line) => line.trim().split(/\s+/)),
        )
        .filter((fields) => inodes.has(fields[9]))
        .map((fields) => ({ local: fields[1]!, remote: fields[2]!, state: fields[3]! }));
}
