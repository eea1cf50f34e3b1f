/** Processor of the forensic instance: image and instance types must be of one. EC2 refuses what does not fit, but only at an incident. */
import type { Problem } from "./configProblem";

export const architectures = ["x86_64", "arm64"] as const;
export type Architecture = (typeof architectures)[number];

/** What is used where the configuration says nothing else. */
export const defaultInstanceType: Record<Architecture, string> = { x86_64: "m6i.large", arm64: "m7g.large" };
export const defaultImageParameter = (architecture: Architecture) =>
    `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`;

/** By the type's name: AWS writes a g behind the generation of its own processors (m7g, c6gn, im4gn); a1 is older than that. */
export function architectureOf(instanceType: string): Architecture {
    return /^(a1|[a-z]+\d+g[a-z]*(-[a-z0-9]+)?)\./.test(instanceType) ? "arm64" : "x86_64";
}

export interface ForensicHardware {
    /** `x86_64` or `arm64`; anything else counts as x86_64. */
    readonly architecture: string;
    /** Empty where it is left out; so is the parameter. */
    readonly type: string;
    /** Type by Region. */
    readonly types: Record<string, unknown>;
    readonly imageParameter: string;
}

/** An image given by its id is not looked at: its name does not say what it is for. */
export function architectureProblems({ architecture, type, types, imageParameter }: ForensicHardware): Problem[] {
    const wanted: Architecture = architecture === "arm64" ? "arm64" : "x86_64";
    const other = architectures.find((each) => each !== wanted)!;
    const given: [string[], unknown][] = [
        [["type"], type],
        ...Object.entries(types).map(([region, each]): [string[], unknown] => [["types", region], each]),
    ];
    const wrong = given
        .filter(([, each]) => typeof each === "string" && each.includes(".") && architectureOf(each) !== wanted)
        .map(([path]) => path);
    if (imageParameter.startsWith("/aws/") && imageParameter.endsWith(other)) wrong.push(["imageParameter"]);
    return wrong.map((path) => ({
        path: ["forensicInstance", ...path],
        message: `this is ${other}, and forensicInstance.architecture is ${wanted}`,
    }));
}
