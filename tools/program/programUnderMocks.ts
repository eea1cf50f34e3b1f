/**
 * Runs the production program under Pulumi's mocks in a process of its own, and says what it declared.
 *
 *     node -r tsx/cjs programUnderMocks.ts < settings.json > declared.json
 *
 * A process for each configuration: mocks are global to one, and its memory is part of what is measured. Nothing is
 * asked of the network: the analysis archive is a stand-in, and data sources answer what AWS would.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Declared, Declaration, MockedAnswers } from "./declared";

// Pulumi makes a stack trace for every resource; looking each up in source maps was a fifth of the time of a large estate.
process.setSourceMapsEnabled(false);
const repository = path.resolve(__dirname, "../..");
const { settings, answers } = JSON.parse(readFileSync(0, "utf8")) as { settings: { regions: string[] }; answers: MockedAnswers };

const resources: Declared[] = [];
/** Account and default Region of each provider, by its id. */
const providers = new Map<string, { accountId: string; region: string }>();
type Options = Pick<Declared, "ignoreChanges" | "protect" | "retainOnDelete" | "customTimeouts" | "dependsOn">;
const noOptions: Options = { ignoreChanges: [], protect: false, retainOnDelete: false, customTimeouts: {}, dependsOn: [] };
/** What each resource was declared with, by type and name: mocks are not told of options. */
const noted = new Map<string, Options>();
const noteOptions: pulumi.ResourceTransformation = ({ type, name, opts }) => {
    const { protect, retainOnDelete } = opts as pulumi.CustomResourceOptions;
    const waitsFor = [opts.dependsOn ?? []].flat() as unknown as { __name?: string }[];
    const options: Options = {
        ignoreChanges: opts.ignoreChanges ?? [],
        protect: protect ?? false,
        retainOnDelete: retainOnDelete ?? false,
        customTimeouts: (opts.customTimeouts as Record<string, string> | undefined) ?? {},
        dependsOn: waitsFor.flatMap(({ __name }) => __name ?? []),
    };
    if (JSON.stringify(options) !== JSON.stringify(noOptions)) noted.set(`${type} ${name}`, options);
    return undefined;
};
const decoded = (value: unknown): unknown => (typeof value === "string" && value.startsWith("[") ? JSON.parse(value) : value);

/** A provider reference is its URN, two colons and its id. */
const placeOf = (reference: string | undefined) => providers.get(reference?.split("::").at(-1) ?? "") ?? null;

const mocks: pulumi.runtime.Mocks = {
    newResource: ({ type, name, inputs, provider, custom }) => {
        if (type === "pulumi:providers:aws") {
            providers.set(`${name}-id`, { accountId: (decoded(inputs.allowedAccountIds) as string[])[0]!, region: inputs.region });
            return { id: `${name}-id`, state: inputs };
        }
        const place = placeOf(provider);
        resources.push({
            type,
            name,
            custom: custom ?? false,
            accountId: place?.accountId ?? null,
            region: (inputs.region as string | undefined) ?? null,
            inputs,
            ...(noted.get(`${type} ${name}`) ?? noOptions),
        });
        const service = type.split(/[:/]/)[1] ?? "aws";
        // What awsx's plug-in, which is not here, would answer for its component.
        if (type === "awsx:ec2:Vpc")
            return { id: undefined, state: { ...inputs, vpcId: "vpc-of-awsx", publicSubnetIds: ["subnet-of-awsx"] } };
        return {
            id: `${name}-id`,
            state: {
                ...inputs,
                name: inputs.name ?? name,
                // Of a document; nothing else has them.
                latestVersion: "1",
                hash: "0".repeat(64),
                // Of a call of a function while it is deployed: what writeAcquisitionImage answers.
                ...(type === "aws:lambda/invocation:Invocation"
                    ? { result: JSON.stringify({ snapshotId: "snap-0123456789abcdef0", sizeGiB: 1, toolsSha256: "0".repeat(64) }) }
                    : {}),
                // Of a role; nothing else has it.
                uniqueId: `AROA${name.toUpperCase().replace(/[^A-Z0-9]/g, "")}`,
                arn: `arn:aws:${service}:${inputs.region ?? ""}:${place?.accountId ?? ""}:${name}`,
            },
        };
    },
    call: ({ token, inputs, provider }) => {
        const { accountId = "", region = "" } = placeOf(provider) ?? {};
        const at = (inputs.region as string | undefined) ?? region;
        if (token === "aws:index/getAvailabilityZones:getAvailabilityZones")
            return { names: ["a", "b", "c"].map((zone) => `${at}${zone}`) };
        if (token === "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings")
            return { locations: answers.zones?.offering?.[at] ?? ["a", "b", "c"].map((zone) => `${at}${zone}`) };
        if (token === "aws:ec2/getVpcEndpointService:getVpcEndpointService") {
            const [, , asked, service] = (inputs.serviceName as string).split(".");
            if (asked !== at) throw new Error(`no matching EC2 VPC Endpoint Service found: ${inputs.serviceName as string} asked in ${at}`);
            return { availabilityZones: answers.zones?.endpoints?.[service!] ?? ["a", "b", "c"].map((zone) => `${at}${zone}`) };
        }
        if (token === "aws:ec2/getSecurityGroups:getSecurityGroups") {
            const [vpcId] = (inputs.filters as { name: string; values: string[] }[]).find(({ name }) => name === "vpc-id")!.values;
            const mine = (inputs.filters as { name: string }[]).some(({ name }) => name.startsWith("tag:"));
            return { ids: !mine && (answers.isolationGroups ?? []).includes(vpcId!) ? [`sg-of-${vpcId}`] : [] };
        }
        if (token === "aws:ssm/getParameter:getParameter") return { ...inputs, value: `value of ${inputs.name as string}` };
        if (token === "aws:index/getRegions:getRegions") return { names: answers.switchedOn?.[accountId] ?? [] };
        if (token === "aws:guardduty/getDetector:getDetector") {
            const given = answers.detectors?.[`${accountId}/${at}`];
            if (!given) throw new Error("reading GuardDuty Detector: empty result");
            return {
                id: `detector-of-${accountId}-${at}`,
                features: [],
                tags: {},
                ...(typeof given === "string" ? { status: given } : given),
            };
        }
        return inputs;
    },
};

function replaceModule(name: string, exports: object): void {
    const file = require.resolve(name);
    require.cache[file] = { id: file, filename: file, loaded: true, exports } as unknown as NodeJS.Module;
}

async function main(): Promise<Declaration> {
    replaceModule(path.join(repository, "infra/analysisArchive"), {
        analysisArchive: () => pulumi.output({ file: __filename, sha256: "0".repeat(64) }),
    });
    replaceModule(path.join(repository, "packaging/packedAcquisitionImage"), {
        packAcquisitionImage: () => Promise.resolve({ file: __filename, sha256: "0".repeat(64), toolsSha256: "0".repeat(64) }),
    });
    // The bundles are the same for every configuration, and the rehearsal runs them; no resource here reads one.
    replaceModule("esbuild", { buildSync: () => ({ outputFiles: [{ contents: new Uint8Array() }] }) });
    await pulumi.runtime.setMocks(mocks, "ec2-clean-room-forensics", "test", false);
    pulumi.runtime.setAllConfig({ "ec2-clean-room-forensics:settings": JSON.stringify(settings) }, []);
    const problems: string[] = [];
    const collect = (reason: unknown) => problems.push(reason instanceof Error ? reason.message : String(reason));
    process.on("unhandledRejection", collect);
    // Loading the SDK and bundling the functions is paid once, whatever the size of the estate.
    require(path.join(repository, "infra/cleanRoom"));
    const before = process.cpuUsage();
    try {
        await pulumi.runtime.runInPulumiStack(async () => {
            pulumi.runtime.registerStackTransformation(noteOptions);
            return require(path.join(repository, "index.ts"));
        });
    } catch (error) {
        collect(error);
    }
    await pulumi.runtime.disconnect();
    const { user, system } = process.cpuUsage(before);
    await new Promise((resolve) => setImmediate(resolve));
    return {
        resources,
        problems: [...new Set(problems)],
        cpuMilliseconds: (user + system) / 1000,
        peakMiB: process.resourceUsage().maxRSS / 1024,
    };
}

main().then(
    (declaration) => process.stdout.write(JSON.stringify(declaration), () => process.exit(0)),
    (error: unknown) => {
        console.error(error);
        process.exit(1);
    },
);
