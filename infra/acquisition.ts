/** What a Region needs to take memory: the images of the acquisition volume in snapshots, and the command document. Only where memory.mode is not off. */
import { readFileSync } from "node:fs";
import path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { keptAvml } from "../packaging/avml";
import { packAcquisitionImage, type PackedAcquisitionImage } from "../packaging/packedAcquisitionImage";
import type { Settings } from "./config";
import type { EvidenceStore } from "./evidenceStore";
import { acquisitionDocumentName } from "./names";
import { architectures } from "./processor";

const folder = path.resolve(__dirname, "../acquisition");

/** The document with its script. Braces in pairs would be Systems Manager's parameters. @throws Error where the script has some */
export function acquisitionDocument(): string {
    const script = readFileSync(path.join(folder, "bootstrap.sh"), "utf8");
    if (script.includes("{{")) throw new Error("acquisition/bootstrap.sh holds {{, which Systems Manager would take for a parameter.");
    const lines = [
        "export VOLUME_ID='{{ VolumeId }}' MODE='{{ Mode }}' AT_MOST_SECONDS='{{ AtMostSeconds }}' TOOLS_SHA256='{{ ToolsSha256 }}'",
        ...script.split("\n"),
    ];
    const document = readFileSync(path.join(folder, "document.yaml"), "utf8");
    const indented = lines.map((line) => `        - ${JSON.stringify(line)}`).join("\n");
    return document.replace(/runCommand: \[\]\s*$/, () => `runCommand:\n${indented}\n`);
}

/** Processors whose AVML is here. @throws Error where `full` is wanted and there is none */
async function withAvml(): Promise<Set<string>> {
    const kept = await Promise.allSettled(architectures.map((each) => keptAvml(each)));
    const missing = kept.flatMap((each) => (each.status === "rejected" ? [each.reason as Error] : []));
    if (missing.length === architectures.length) throw missing[0]!;
    for (const { message } of missing)
        void pulumi.log.warn(`${message}. Until then, volatile state alone is taken of instances with that processor, and said so.`);
    return new Set(architectures.filter((_, index) => kept[index]!.status === "fulfilled"));
}

/** Builds the images as part of the program, once for all Regions. A processor without AVML gets an image without it. */
export function acquisitionImages(settings: Settings): Record<string, pulumi.Output<PackedAcquisitionImage>> {
    const kept = settings.memory.mode === "full" ? withAvml() : Promise.resolve(new Set<string>());
    return Object.fromEntries(
        architectures.map((architecture) => [
            architecture,
            pulumi.output(kept.then((those) => packAcquisitionImage({ architecture, memory: those.has(architecture) }))),
        ]),
    );
}

export interface AcquisitionArgs {
    /** Where the images are put for the function that writes them. */
    readonly store: EvidenceStore;
    /** The function writeAcquisitionImage. */
    readonly writer: aws.lambda.Function;
    /** By processor. */
    readonly packed: Record<string, pulumi.Output<PackedAcquisitionImage>>;
}

export class Acquisition extends pulumi.ComponentResource {
    readonly document: aws.ssm.Document;
    /** JSON by processor, as functions read it. */
    readonly images: pulumi.Output<string>;

    constructor(name: string, { store, writer, packed }: AcquisitionArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Acquisition", name, {}, opts);
        const parent = { parent: this };
        this.document = new aws.ssm.Document(
            name,
            { name: acquisitionDocumentName, documentType: "Command", documentFormat: "YAML", content: acquisitionDocument() },
            parent,
        );
        const written = Object.entries(packed).map(([architecture, image]) => {
            const object = new aws.s3.BucketObjectv2(
                `${name}-${architecture}`,
                {
                    bucket: store.toolBucket.bucket,
                    key: pulumi.interpolate`acquisition/${image.sha256}.img.gz`,
                    source: image.file.apply((file) => new pulumi.asset.FileAsset(file)),
                    contentType: "application/gzip",
                },
                parent,
            );
            // Called when it is made, and again when the image is another one.
            const invocation = new aws.lambda.Invocation(
                `${name}-${architecture}`,
                {
                    functionName: writer.name,
                    input: pulumi.jsonStringify({ key: object.key, sha256: image.sha256, toolsSha256: image.toolsSha256 }),
                },
                parent,
            );
            return invocation.result.apply((result) => [architecture, JSON.parse(result) as unknown] as const);
        });
        this.images = pulumi.all(written).apply((each) => JSON.stringify(Object.fromEntries(each)));
        this.registerOutputs({ images: this.images });
    }
}
