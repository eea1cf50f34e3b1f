/** What a command finds on its instance, and that nothing of it stays. */
import { AttachVolumeCommand, CreateVolumeCommand, TerminateInstancesCommand, waitUntilVolumeAvailable } from "@aws-sdk/client-ec2";
import { CreateDocumentCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { expect } from "chai";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureVenv } from "../../../packaging/python";
import { startLocalEmu, type LocalEmu } from "../../../rehearsal/localEmu";
import { clientsOf, FORENSICS, localEmu, REGION, rootOf, unique, until, type Clients } from "../support/localAws";
import { makeNetwork, type Network } from "../support/network";
import { ended, sendScript, startManaged } from "../support/runCommand";

const asRoot = process.platform === "linux" && process.getuid!() === 0;
const DEVICES = "${CLEAN_ROOM_DEVICE_DIRECTORY:-/dev/disk/by-id}";
const nameOf = (volumeId: string) => `nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;

const YAML_DOCUMENT = `# A comment, and a block of text.
schemaVersion: "2.2"
parameters:
  PythonVersion:
    type: String
    allowedPattern: "^3\\\\.[0-9]+$"
mainSteps:
  - action: aws:runShellScript
    name: analyse
    precondition:
      StringEquals: [platformType, Linux]
    inputs:
      timeoutSeconds: "600"
      runCommand:
        - |
          #!/bin/bash
          set -euo pipefail
          python{{ PythonVersion }} - <<'END'
          import importlib.util
          print(importlib.util.find_spec("localemu"))
          END
`;

describe("LocalEmu: what a command finds on its instance", function () {
    this.timeout(60_000);
    let aws: Clients;
    let network: Network;
    let emulator: LocalEmu;
    let folder: string;
    let image: string;

    before(async function () {
        this.timeout(600_000);
        emulator = await localEmu();
        aws = await rootOf(FORENSICS);
        network = await makeNetwork(aws);
        folder = realpathSync(mkdtempSync(path.join(tmpdir(), "disk-")));
        image = path.join(folder, "disk.img");
        writeFileSync(image, Buffer.alloc(1 << 20, "evidence"));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    /** Starts an instance with a volume that shows the image. */
    async function withDisk(clients: Clients, subnets: Network): Promise<{ instanceId: string; volumeId: string }> {
        const instanceId = await startManaged(clients, subnets);
        const volumeId = (
            await clients.ec2.send(
                new CreateVolumeCommand({
                    AvailabilityZone: `${REGION}a`,
                    Size: 1,
                    TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: "rehearsal:image", Value: image }] }],
                }),
            )
        ).VolumeId!;
        await waitUntilVolumeAvailable({ client: clients.ec2, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.1 }, { VolumeIds: [volumeId] });
        await clients.ec2.send(new AttachVolumeCommand({ InstanceId: instanceId, VolumeId: volumeId, Device: "/dev/sdf" }));
        return { instanceId, volumeId };
    }

    /** Names of running processes that have the word in their command line. */
    const running = (word: string): string =>
        execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
            .split("\n")
            .filter((line) => line.includes(word))
            .join("\n");
    /** Loop devices upon images of the emulator. */
    const loops = (of: LocalEmu): string =>
        asRoot
            ? execFileSync("losetup", ["--all"], { encoding: "utf8" })
                  .split("\n")
                  .filter((line) => line.includes(of.stateDirectory))
                  .join("\n")
            : "";

    it("shows each attached volume that has a disk under its name on Nitro, to be written without the image knowing", async () => {
        const { instanceId, volumeId } = await withDisk(aws, network);
        const device = `"${DEVICES}/${nameOf(volumeId)}"`;
        const end = await ended(
            aws,
            await sendScript(aws, instanceId, [
                `ls "${DEVICES}"`,
                `head -c 8 ${device}; echo`,
                `printf written | dd of=${device} conv=notrunc,fsync status=none`,
                `head -c 8 ${device}; echo`,
                ...(asRoot
                    ? [`test -b ${device} && blockdev --setro ${device} && ! printf refused 2>&- > ${device}; blockdev --getro ${device}`]
                    : ["echo 1"]),
            ]),
            instanceId,
        );
        expect(end.StandardErrorContent).to.not.match(/failed/);
        expect(end.StandardOutputContent!.trim().split("\n")).to.deep.equal([nameOf(volumeId), "evidence", "writtene", "1"]);
        expect(readFileSync(image, "utf8").slice(0, 8)).to.equal("evidence");
        // The device that was evidence a moment ago is another one's disk now.
        const again = await ended(
            aws,
            await sendScript(aws, instanceId, [
                `head -c 8 ${device}; echo`,
                `printf again | dd of=${device} conv=notrunc,fsync status=none && head -c 5 ${device}`,
            ]),
            instanceId,
        );
        expect(again.StandardOutputContent!.trim().split("\n")).to.deep.equal(["writtene", "again"]);
        expect(loops(emulator)).to.equal("");
    });

    it("mounts and leaves nothing behind when it is killed with a disk in use", async function () {
        if (!asRoot) {
            this.test!.title += " (plain process: no device to be left)";
        }
        const { instanceId, volumeId } = await withDisk(aws, network);
        const marker = unique("busy");
        const inUse = asRoot ? `losetup --find --show --offset 512 ${DEVICES}/${nameOf(volumeId)} > /dev/null` : "true";
        const commandId = await sendScript(aws, instanceId, ["#!/bin/bash", `${inUse} && exec -a ${marker} sleep 300`]);
        await until("it runs", async () => running(marker) || undefined);
        await aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
        expect((await ended(aws, commandId, instanceId)).Status).to.equal("TimedOut");
        expect(running(marker)).to.equal("");
        expect(loops(emulator)).to.equal("");
        expect(running(commandId)).to.equal("");
    });

    it("ends with LocalEmu, and its devices and files with it", async function () {
        const own = await startLocalEmu({ log: () => undefined });
        const marker = unique("orphan");
        try {
            const there = clientsOf(own.endpoint, { accessKeyId: FORENSICS, secretAccessKey: "rehearsal" });
            const { instanceId } = await withDisk(there, await makeNetwork(there));
            await sendScript(there, instanceId, ["#!/bin/bash", `exec -a ${marker} sleep 300`]);
            await until("it runs", async () => running(marker) || undefined);
            expect(loops(own) === "").to.equal(!asRoot);
        } finally {
            await own.stop();
        }
        await until("the command's end", async () =>
            running(marker) + running(own.stateDirectory) + loops(own) === "" ? true : undefined,
        );
        expect(existsSync(own.stateDirectory)).to.equal(false);
    });

    it("runs a document that is YAML, with the Python of the archive's version and nothing of LocalEmu's", async () => {
        const instanceId = await startManaged(aws, network);
        const Name = unique("document");
        const { python } = await ensureVenv({
            name: "rehearsal",
            lockFile: path.join(__dirname, "../../../rehearsal/requirements.lock"),
            log: () => undefined,
        });
        const version = execFileSync(python, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"], { encoding: "utf8" }).trim();
        await aws.ssm.send(
            new CreateDocumentCommand({
                Name,
                DocumentType: "Command",
                DocumentFormat: "YAML",
                Content: YAML_DOCUMENT,
            }),
        );
        const sent = await aws.ssm.send(
            new SendCommandCommand({
                DocumentName: Name,
                DocumentVersion: "1",
                InstanceIds: [instanceId],
                Parameters: { PythonVersion: [version] },
            }),
        );
        const end = await ended(aws, sent.Command!.CommandId!, instanceId);
        expect(end).to.include({ Status: "Success", StandardOutputContent: "None\n", PluginName: "analyse", DocumentVersion: "1" });
    });

    it("shows the images themselves to a plain process, where there is no root", async () => {
        const { python } = await ensureVenv({
            name: "rehearsal",
            lockFile: path.join(__dirname, "../../../rehearsal/requirements.lock"),
            log: () => undefined,
        });
        const directory = realpathSync(mkdtempSync(path.join(folder, "plain-")));
        const marker = unique("plain");
        const request = (command: string) =>
            `${JSON.stringify({
                command: ["/bin/bash", "-c", command],
                directory,
                environment: { PATH: process.env.PATH },
                devices: { [nameOf("vol-0123")]: image },
                port: emulator.port,
                private: false,
            })}\n`;
        const supervise = (command: string) => {
            rmSync(path.join(directory, "devices"), { recursive: true, force: true });
            const child = spawn(python, ["-m", "clean_room_localemu.ssm.sandbox"], { cwd: directory, stdio: ["pipe", "pipe", "inherit"] });
            let output = "";
            child.stdout.on("data", (chunk) => (output += chunk));
            child.stdin.write(request(command));
            return {
                child,
                end: new Promise<[number | null, string]>((resolve) => child.once("close", (code) => resolve([code, output]))),
            };
        };
        expect(await supervise(`head -c 8 "$CLEAN_ROOM_DEVICE_DIRECTORY/${nameOf("vol-0123")}"; exit 3`).end).to.deep.equal([
            3,
            "evidence",
        ]);
        const long = supervise(`(exec -a ${marker} sleep 300) & wait`);
        await until("it runs", async () => running(`${marker} 300`) || undefined);
        long.child.stdin.end();
        expect((await long.end)[0]).to.equal(137);
        expect(running(`${marker} 300`)).to.equal("");
    });
});
