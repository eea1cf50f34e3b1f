import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { packName, policies } from "../policies/pack";
import { kinds, misjudged } from "../policies/testing/kinds/all";
import { command, UsageError, type Values } from "./command";
import { findEngine, type Engine } from "./policy/engine";
import type { Inspection, PolicyNote } from "./policy/eventLog";
import { root, withStack } from "./policy/inspect";
import { leavesNothing, secondsSince, staysAsItIs, type Outcome } from "./policy/laterLife";

const options = {
    stack: {
        type: "string",
        multiple: true,
        description:
            "preview this stack with the policy pack: every policy must hold. Where AWS is a stand-in, then update it, preview it again, which must find nothing to change, and destroy it, which must leave nothing",
    },
    "preview-only": { type: "boolean", description: "stop after the first preview, and say how many checks wait for an update" },
    bad: {
        type: "boolean",
        description:
            "preview the bad variants in tests/policies/variants, all or those named: each must fail with the policy it is named after. All: also the small programs of each kind, good and bad (policies/testing/kinds)",
    },
} as const;

const variantsFolder = path.join(root, "tests/policies/variants");

async function check(values: Values<typeof options>, positionals: string[]): Promise<number> {
    if ((values.stack.length === 0) === !values.bad) throw new UsageError("Name stacks by --stack, or give --bad.");
    if (positionals.length > 0 && !values.bad) throw new UsageError(`"${positionals[0]}" is not understood without --bad.`);
    const engine = findEngine();
    console.log(`Policy pack ${packName}, ${policies.length} policies, engine ${engine.label}`);
    let ok = true;
    for (const stack of values.stack) {
        ok = (await checkStack(engine, stack, values["preview-only"])) && ok;
    }
    if (values.bad) {
        ok = (await checkVariants(engine, variantsToCheck(positionals))) && ok;
        if (positionals.length === 0) {
            ok = checkKinds() && ok;
        }
    }
    return ok ? 0 : 1;
}

/**
 * A stack must hold every policy. Where AWS is a stand-in, it then lives its whole life: an update, on which the checks are made that need
 * values known only then (documents with ARNs of new resources), a second preview that finds nothing to change, and a destroy that leaves
 * nothing behind. With the ordinary CLI those checks are counted, and `pulumi up --policy-pack policies` makes them.
 */
async function checkStack(engine: Engine, stack: string, previewOnly: boolean): Promise<boolean> {
    if (!existsSync(path.join(root, `Pulumi.${stack}.yaml`))) {
        throw new Error(`There is no Pulumi.${stack}.yaml: "${stack}" is not a stack of this project.`);
    }
    return withStack({ engine, project: root, stack, throwAwayState: false }, async (open) => {
        const preview = await judged(`stack ${stack}: preview`, () => open.inspect("preview"));
        if (preview.violations.length > 0) {
            return false;
        }
        if (!engine.standIn || previewOnly) {
            console.log(
                `  ${preview.deferred.length} checks wait for the update; run it with the pack: pulumi up --stack ${stack} --policy-pack policies`,
            );
            return true;
        }
        const update = await judged(`stack ${stack}: update`, () => open.inspect("update"));
        for (const note of update.deferred) {
            console.error(`  still not known after the update: ${note.policy} on ${note.resource}`);
        }
        if (update.violations.length > 0 || update.deferred.length > 0) {
            return false;
        }
        const settled = told(stack, await staysAsItIs(open, update.resources));
        return told(stack, await leavesNothing(open, update.resources)) && settled;
    });
}

function told(stack: string, { ok, lines }: Outcome): boolean {
    (ok ? console.log : console.error)(`stack ${stack}: ${lines.join("\n")}`);
    return ok;
}

/**
 * Every bad variant must fail with the policy it is named after, and with no other. Those that speak for a part of a stack are previewed in one
 * program, since the engine takes longer to start than to judge; each one's violations are told by the component that is its parent.
 */
async function checkVariants(engine: Engine, variants: string[]): Promise<boolean> {
    const alone = variants.filter((variant) => announcesEstate(variant) || packConfigOf(variant) !== undefined || variants.length === 1);
    const together = variants.filter((variant) => !alone.includes(variant));
    let ok = true;
    for (const variant of alone) {
        const { violations } = await previewed(engine, path.join(variantsFolder, variant), packConfigOf(variant));
        ok = isRefused(variant, violations) && ok;
    }
    if (together.length > 0) {
        const { violations } = await previewed(engine, path.join(root, "tests/policies/together"));
        for (const variant of together) {
            ok =
                isRefused(
                    variant,
                    violations.filter(({ resource }) => resource.includes(`bad:variant:${variant}$`)),
                ) && ok;
        }
    }
    return ok;
}

/** Every small program of each kind is refused by a policy it names, or by none. Without an engine: in a process of its own, with every value known. */
function checkKinds(): boolean {
    const script = path.join(root, "policies/testing/kinds/judge.ts");
    const output = execFileSync(process.execPath, ["-r", "tsx/cjs", script], { encoding: "utf8", maxBuffer: 2 ** 24 });
    const wrong = misjudged(JSON.parse(output) as Record<string, string[]>);
    const cases = kinds.flatMap((kind) => kind.cases);
    const good = cases.filter(({ policies: named }) => named.length === 0).length;
    console.log(
        `kinds: ${cases.length - good} bad and ${good} good programs of ${kinds.length} kinds, ${cases.length - wrong.length} judged as expected`,
    );
    wrong.forEach((line) => console.error(`  ${line}`));
    return wrong.length === 0;
}

/** Whether a variant says which accounts and Regions there are: that speaks for the whole stack. */
function announcesEstate(variant: string): boolean {
    return readFileSync(path.join(variantsFolder, variant, "index.ts"), "utf8").includes("ec2-clean-room:index:Accounts");
}

/** A variant's configuration of the pack, where its policy asks for nothing by itself; it counts for the whole preview. */
function packConfigOf(variant: string): string | undefined {
    const file = path.join(variantsFolder, variant, "pack-config.json");
    return existsSync(file) ? file : undefined;
}

const previewed = (engine: Engine, project: string, packConfig?: string): Promise<Inspection> =>
    withStack({ engine, project, stack: "bad", throwAwayState: true, packConfig }, (open) => open.inspect("preview"));

function isRefused(variant: string, violations: PolicyNote[]): boolean {
    const broken = [...new Set(violations.map((violation) => violation.policy))];
    if (broken.length === 1 && broken[0] === variant) {
        console.log(`bad variant ${variant}: refused as expected, ${violations.length} violation(s)`);
        return true;
    }
    console.error(
        `bad variant ${variant}: expected violations of "${variant}" and of no other policy, got ${broken.length === 0 ? "none" : broken.join(", ")}`,
    );
    violations.filter((violation) => violation.policy !== variant).forEach(print);
    return false;
}

function variantsToCheck(wanted: string[]): string[] {
    const known = readdirSync(variantsFolder).sort();
    const names = policies.map((policy) => policy.name);
    const unknown = wanted.filter((variant) => !known.includes(variant));
    const missing = names.filter((name) => !known.includes(name));
    if (unknown.length > 0 || missing.length > 0) {
        throw new Error(
            unknown.length > 0
                ? `No such variant: ${unknown.join(", ")}. There are: ${known.join(", ")}.`
                : `No bad variant shows that these policies bite: ${missing.join(", ")}.`,
        );
    }
    return wanted.length > 0 ? wanted : known;
}

/** Makes a run of the engine with the pack and says what was judged. @throws when that was nothing, or not by every policy. */
async function judged(title: string, operation: () => Promise<Inspection>): Promise<Inspection> {
    const start = performance.now();
    const inspection = await operation();
    const { resources, checks, violations, deferred } = inspection;
    console.log(
        `${title}: ${resources} resources, ${inspection.policies.length} policies, ${checks} checks, ${violations.length} violations, ${deferred.length} deferred to the update, ${secondsSince(start)} s`,
    );
    violations.forEach(print);
    // A violation stops the engine, so policies over the whole stack may not have had their turn.
    const silent =
        violations.length > 0
            ? []
            : policies
                  .map((policy) => policy.name)
                  .filter((name) => !inspection.policies.includes(name) && !deferred.some((note) => note.policy === name));
    if (resources === 0) {
        throw new Error(`${title}: the program declared no resource, so nothing was checked.`);
    }
    if (silent.length > 0) {
        throw new Error(`${title}: the engine did not run ${silent.join(", ")}.`);
    }
    return inspection;
}

function print(violation: PolicyNote): void {
    console.error(`  ${violation.policy}: ${violation.message.replaceAll("\n", "\n    ")}`);
}

export const policyCheck = command(
    {
        name: "policy:check",
        summary: "Runs the policy pack over whole stacks by the Pulumi engine, or over variants of them that must be refused.",
        arguments: "--stack NAME [--stack NAME…] [--preview-only] | --bad [VARIANT…]",
        options,
        positionals: { what: "variant", least: 0, most: Infinity },
        examples: [
            "npm run policy:check -- --stack dev",
            "npm run policy:check -- --bad",
            "npm run policy:check -- --bad bucket-is-protected",
        ],
        exitCodes: { 0: "as expected", 1: "a policy did not hold, or did not bite", 2: "nothing could be looked at, or wrong usage" },
        run: check,
    },
    module,
);
