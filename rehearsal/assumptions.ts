/** `npm run assumptions`: writes docs/aws-assumptions.md from docs/aws-assumptions.json and the plug-in's table of service calls. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { command } from "../tools/command";

const root = path.resolve(__dirname, "..");
export const documentFile = path.join(root, "docs/aws-assumptions.md");

/** documented: AWS's page says so. reported: others saw it so. unproven: neither was found. */
const proof = z.enum(["documented", "reported", "unproven"]);

const assumptionSchema = z.strictObject({
    area: z.string(),
    /** One sentence that is true or false of AWS. */
    believes: z.string(),
    proof,
    source: z.url(),
    /** File or folder of the program that rests on it. */
    program: z.string(),
    /** The spec that holds the local AWS to it: a file, and words of the test's title. */
    rehearsed: z.strictObject({ spec: z.string(), test: z.string() }).nullable(),
    /** What a check in a real account can prove of it. */
    preflight: z.string().nullable(),
});
export type Assumption = z.infer<typeof assumptionSchema>;

const serviceCallSchema = z.looseObject({
    id: z.string(),
    from: z.string(),
    to: z.string(),
    through: z.string().optional(),
    as: z.enum(["service", "role"]),
    keys: z.array(z.string()),
    proof,
    source: z.string(),
    says: z.string(),
});
const throughSchema = z.looseObject({
    id: z.string(),
    service: z.string(),
    context: z.string(),
    proof,
    source: z.string(),
    says: z.string(),
});

const json = (file: string): unknown => JSON.parse(readFileSync(path.join(root, file), "utf8"));

/** The data as it stands. @throws ZodError when a row is not as it should be */
export function readAssumptions() {
    const { assumptions } = z.looseObject({ assumptions: z.array(assumptionSchema) }).parse(json("docs/aws-assumptions.json"));
    const { calls, through } = z
        .looseObject({ calls: z.array(serviceCallSchema), through: z.array(throughSchema) })
        .parse(json("localemu-plugin/clean_room_localemu/iam/service_calls.json"));
    return { assumptions, calls, through };
}

const mark = (state: z.infer<typeof proof>): string => (state === "unproven" ? "**unproven**" : state);
const page = (source: string, state: z.infer<typeof proof>): string => {
    const [address, ...more] = source.split(" ");
    return `[${mark(state).replaceAll("*", "")}](${address})${state === "unproven" ? " **!**" : ""}${more.length ? ` ${more.join(" ")}` : ""}`;
};
const cell = (text: string): string => text.replaceAll("|", "\\|");

/** The document's text. */
export function renderAssumptions(): string {
    const { assumptions, calls, through } = readAssumptions();
    const all = [...assumptions, ...calls, ...through];
    const count = (state: z.infer<typeof proof>) => all.filter((each) => each.proof === state).length;
    const areas = [...new Set(assumptions.map((each) => each.area))];
    const unproven = [
        ...assumptions.filter((each) => each.proof === "unproven").map((each) => each.believes),
        ...calls.filter((each) => each.proof === "unproven").map((each) => `${each.id}: ${each.says}`),
    ];
    const notRehearsed = assumptions.filter((each) => each.rehearsed === null).map((each) => each.believes);
    return `${[
        "# What the program believes of AWS",
        "",
        "Made by `npm run assumptions` from `docs/aws-assumptions.json` and `localemu-plugin/clean_room_localemu/iam/service_calls.json`; a spec fails",
        "when it is stale. The local AWS of the rehearsals (`localemu-plugin/`) is held to each row by the spec beside it, so that what AWS does not do",
        "cannot pass there. No row was tried on an AWS account: *documented* means that AWS's page says so, *reported* that others saw it so,",
        "*unproven* that neither was found. The last column says what a check in a real account can prove.",
        "",
        `${all.length} rows: ${count("documented")} documented, ${count("reported")} reported, ${count("unproven")} unproven.`,
        ...areas.flatMap((area) => [
            "",
            `## ${area}`,
            "",
            "| AWS | source | program | rehearsed by | an account can prove |",
            "|---|---|---|---|---|",
            ...assumptions
                .filter((each) => each.area === area)
                .map(
                    (each) =>
                        `| ${cell(each.believes)} | ${page(each.source, each.proof)} | \`${each.program}\` | ${each.rehearsed ? `\`${each.rehearsed.spec}\`: ${cell(each.rehearsed.test)}` : "not rehearsed"} | ${cell(each.preflight ?? "")} |`,
                ),
        ]),
        "",
        "## Which condition keys one service sends to another",
        "",
        "What has no row sends none. Rehearsed by `tests/localemu-plugin/iam/serviceCalls.spec.ts`, each with a policy that asks for the source's ARN, its",
        "account, and KMS's encryption context: what is sent lets through, what is not refuses.",
        "",
        "| row | call | as | keys sent | source | AWS says |",
        "|---|---|---|---|---|---|",
        ...calls.map(
            (each) =>
                `| ${each.id} | ${each.from} → ${each.to === "kms" ? `KMS, for ${each.through}` : each.to} | ${each.as === "role" ? "the execution role" : `${each.from}.amazonaws.com`} | ${each.keys.map((key) => `\`${key}\``).join(", ") || "none"} | ${page(each.source, each.proof)} | ${cell(each.says)} |`,
        ),
        "",
        "## What a service gives to KMS when it encrypts for its caller",
        "",
        "| service | encryption context | source | AWS says |",
        "|---|---|---|---|",
        ...through.map((each) => `| ${each.service} | \`${each.context}\` | ${page(each.source, each.proof)} | ${cell(each.says)} |`),
        "",
        "## What rests on belief",
        "",
        ...unproven.map((each) => `- ${each}`),
        "",
        "Not rehearsed, because nothing here can stand for it:",
        "",
        ...notRehearsed.map((each) => `- ${each}`),
    ].join("\n")}\n`;
}

export const assumptions = command(
    {
        name: "assumptions",
        summary: "Writes docs/aws-assumptions.md from docs/aws-assumptions.json and the plug-in's table of service calls.",
        arguments: "",
        options: {},
        examples: ["npm run assumptions"],
        exitCodes: { 0: "it was written", 2: "a row is not as it should be" },
        run: () => {
            writeFileSync(documentFile, renderAssumptions());
            console.log(`Written: ${path.relative(process.cwd(), documentFile)}`);
            return 0;
        },
    },
    module,
);
