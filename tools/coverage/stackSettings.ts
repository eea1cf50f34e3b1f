/** A stack's settings, read from its file as Pulumi would. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseSettings, type Settings } from "../../infra/config";

// Pulumi's own parser of these files.
const yaml = require("js-yaml") as { load(text: string): { config?: Record<string, unknown> } | undefined };

/** @throws when there is no such stack file, or its configuration is wrong. */
export function stackSettings(stack: string, folder = path.resolve(__dirname, "../..")): Settings {
    let text: string;
    try {
        text = readFileSync(path.join(folder, `Pulumi.${path.basename(stack)}.yaml`), "utf8");
    } catch (error) {
        throw new Error(`There is no Pulumi.${stack}.yaml: "${stack}" is not a stack of this project.`, { cause: error });
    }
    return parseSettings(yaml.load(text)?.config?.["ec2-clean-room-forensics:settings"]);
}
