/** Builds the analysis archive as part of the program, once, for the Python and processor of the forensic instance. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import * as pulumi from "@pulumi/pulumi";
import { buildAnalysisArchive, type AnalysisArchive } from "../packaging/analysisArchive";
import { findPython } from "../packaging/python";
import { ruleBundleFiles } from "../packaging/ruleBundles";
import type { Settings } from "./config";

/** @returns the file and its SHA-256; needs Python with pip on the machine that deploys, and PyPI the first time. */
export function analysisArchive(settings: Settings): pulumi.Output<AnalysisArchive> {
    return pulumi.output(
        (async () =>
            buildAnalysisArchive({
                pythonVersion: settings.analysis.pythonVersion,
                architecture: settings.forensicInstance.architecture,
                python: (await findPython()).path,
                ruleBundles: await ruleBundleFiles(settings.analysis.ruleBundles, {
                    read: (bucket, key) => readObject(settings.regions[0], bucket, key),
                }),
            }))(),
    );
}

/** As whoever deploys, wherever the bucket lies. */
async function readObject(region: string | undefined, bucket: string, key: string): Promise<Uint8Array> {
    const s3 = new S3Client({ region, followRegionRedirects: true });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (Body === undefined) {
        throw new Error("S3 gave no content");
    }
    return Body.transformToByteArray();
}
