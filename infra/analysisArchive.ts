/** Builds the analysis archive as part of the program, once, for the Python and processor of the forensic instance. */
import * as pulumi from "@pulumi/pulumi";
import { buildAnalysisArchive, type AnalysisArchive } from "../packaging/analysisArchive";
import { findPython } from "../packaging/python";
import type { Settings } from "./config";

/** @returns the file and its SHA-256; needs Python with pip on the machine that deploys, and PyPI the first time. */
export function analysisArchive(settings: Settings): pulumi.Output<AnalysisArchive> {
    return pulumi.output(
        (async () =>
            buildAnalysisArchive({
                pythonVersion: settings.analysis.pythonVersion,
                architecture: settings.forensicInstance.architecture,
                python: (await findPython()).path,
            }))(),
    );
}
