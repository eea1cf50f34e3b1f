/** The program deployed on a local AWS of its own, with a victim in a member account: what rehearsals that are specs begin with. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { expect } from "chai";
import { localClients, type LocalClients, type Target } from "../../../rehearsal/deploy/localClients";
import { deployProgram, type Deployment } from "../../../rehearsal/deploy/program";
import { startLocalEmu, type LocalEmu } from "../../../rehearsal/localEmu";
import { createVictim, type Victim } from "../../../rehearsal/victim";

export const region = "eu-west-1";
export const forensics: Target = { accountId: "111111111111", region };
export const member: Target = { accountId: "222222222222", region };
/** Of every local estate, beside what a spec asks for. */
export const accountSettings = {
    forensics: { accountId: forensics.accountId },
    regions: [region],
    members: [{ accountId: member.accountId }],
};

export interface LocalEstate {
    localEmu: LocalEmu;
    clients: LocalClients;
    /** With a root and a data disk of 1 MiB of zeros each. */
    victim: Victim;
    /** What was deployed; empty until then. */
    resources: Deployment["resources"];
    /** What a deployed function answers. @throws when it failed, with what it said */
    invoke(name: string, input: unknown): Promise<unknown>;
    /** Runs an operator's command, such as `tools/release.ts`, with credentials of the forensics account. */
    operate(tool: string, ...args: string[]): ReturnType<typeof operate>;
    stop(): Promise<void>;
}

export interface LocalEstateOptions {
    /** What there is before the program is deployed. */
    beforeDeployment?: (estate: LocalEstate) => Promise<unknown>;
    slackWebhookUrl?: string;
}

/** Runs an operator's command with credentials of the forensics account. */
export function operate(localEmu: LocalEmu, tool: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
    return promisify(execFile)(process.execPath, ["-r", "tsx/cjs", tool, ...args], {
        cwd: path.resolve(__dirname, "../../.."),
        env: {
            PATH: process.env.PATH,
            AWS_ENDPOINT_URL: localEmu.endpoint,
            AWS_ACCESS_KEY_ID: forensics.accountId,
            AWS_SECRET_ACCESS_KEY: "rehearsal",
            AWS_REGION: region,
        },
    }).then(
        ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
        (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, out: error.stdout, err: error.stderr }),
    );
}

/** @param settings beside the two accounts and the Region */
export async function startLocalEstate(
    settings: Record<string, unknown>,
    { beforeDeployment, slackWebhookUrl }: LocalEstateOptions = {},
): Promise<LocalEstate> {
    const folder = await mkdtemp(path.join(tmpdir(), "local-estate-"));
    const localEmu = await startLocalEmu({ log: () => undefined });
    const clients = localClients(localEmu.endpoint);
    const stop = async () => {
        await localEmu.stop();
        await rm(folder, { recursive: true, force: true });
    };
    const invoke = async (name: string, input: unknown) => {
        const { Payload, FunctionError } = await clients(LambdaClient, forensics).send(
            new InvokeCommand({ FunctionName: `clean-room-${name}`, Payload: JSON.stringify(input) }),
        );
        const text = Buffer.from(Payload!).toString("utf8");
        expect(FunctionError, text).to.equal(undefined);
        return JSON.parse(text) as unknown;
    };
    try {
        const image = { path: path.join(folder, "disk.img"), sha256: "0".repeat(64), sizeBytes: 1024 * 1024 };
        await writeFile(image.path, Buffer.alloc(image.sizeBytes));
        const victim = await createVictim(clients, member, { root: image, data: image });
        const estate: LocalEstate = {
            localEmu,
            clients,
            victim,
            resources: [],
            invoke,
            operate: (tool, ...args) => operate(localEmu, tool, ...args),
            stop,
        };
        await beforeDeployment?.(estate);
        const { resources } = await deployProgram({
            clients,
            defaults: forensics,
            secretKeys: slackWebhookUrl === undefined ? [] : ["slackWebhookUrl"],
            config: {
                settings: JSON.stringify({ ...accountSettings, ...settings }),
                ...(slackWebhookUrl === undefined ? {} : { slackWebhookUrl }),
            },
        });
        return Object.assign(estate, { resources });
    } catch (error) {
        await stop();
        throw error;
    }
}
