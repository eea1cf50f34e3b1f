import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { packName, policies } from "../policies/pack";
import { findEngine, type Engine } from "./policy/engine";
import type { Inspection, PolicyNote } from "./policy/eventLog";
import { inspect, root, type Request } from "./policy/inspect";

const USAGE = `npm run policy:check -- --stack NAME [--stack NAME…] | --bad [VARIANT…]

  --stack NAME  preview the stack with the policy pack; every policy must hold
  --preview-only  leave the checks that wait for an update to it, and say how many they are
  --bad         preview the bad variants in tests/policies/variants (all, or those named); each must fail with the policy it is named after`;

const variantsFolder = path.join(root, "tests/policies/variants");

/** Exit code: 0 as expected, 1 a policy did not hold (or did not bite), or nothing could be looked at, 2 wrong usage. */
async function main(): Promise<number> {
    const { values, positionals } = parseArgs({ options: { stack: { type: "string", multiple: true, default: [] }, "preview-only": { type: "boolean", default: false }, bad: { type: "boolean", default: false } }, allowPositionals: true });
    if ((values.stack.length === 0) === !values.bad || (positionals.length > 0 && !values.bad)) {
        console.error(USAGE);
        return 2;
    }
    const engine = findEngine();
    console.log(`Policy pack ${packName}, ${policies.length} policies, engine ${engine.label}`);
    let ok = true;
    for (const stack of values.stack) {
        ok = (await checkStack(engine, stack, values["preview-only"])) && ok;
    }
    for (const variant of values.bad ? variantsToCheck(positionals) : []) {
        ok = (await checkVariant(engine, variant)) && ok;
    }
    return ok ? 0 : 1;
}

/**
 * A stack must hold every policy. Checks that need values known only at update (documents with ARNs of new resources) are repeated on an
 * update where AWS is a stand-in; with the ordinary CLI they are counted, and `pulumi up --policy-pack policies` makes them.
 */
async function checkStack(engine: Engine, stack: string, previewOnly: boolean): Promise<boolean> {
    if (!existsSync(path.join(root, `Pulumi.${stack}.yaml`))) {
        throw new Error(`There is no Pulumi.${stack}.yaml: "${stack}" is not a stack of this project.`);
    }
    const request: Request = { engine, project: root, stack, operation: "preview", throwAwayState: false };
    const preview = await timed(`stack ${stack}: preview`, request);
    if (preview.violations.length > 0 || preview.deferred.length === 0) {
        return preview.violations.length === 0;
    }
    if (!engine.standIn || previewOnly) {
        console.log(`  ${preview.deferred.length} checks wait for the update; run it with the pack: pulumi up --stack ${stack} --policy-pack policies`);
        return true;
    }
    const update = await timed(`stack ${stack}: update`, { ...request, operation: "update" });
    for (const note of update.deferred) {
        console.error(`  still not known after the update: ${note.policy} on ${note.resource}`);
    }
    return update.violations.length === 0 && update.deferred.length === 0;
}

/** A bad variant must fail with the policy it is named after, and with no other. */
async function checkVariant(engine: Engine, variant: string): Promise<boolean> {
    const project = path.join(variantsFolder, variant);
    const request: Request = { engine, project, stack: "bad", operation: "preview", throwAwayState: true };
    const { violations } = await inspect(request);
    const broken = [...new Set(violations.map((violation) => violation.policy))];
    if (broken.length === 1 && broken[0] === variant) {
        console.log(`bad variant ${variant}: refused as expected, ${violations.length} violation(s)`);
        return true;
    }
    console.error(`bad variant ${variant}: expected violations of "${variant}" and of no other policy, got ${broken.length === 0 ? "none" : broken.join(", ")}`);
    violations.filter((violation) => violation.policy !== variant).forEach(print);
    return false;
}

function variantsToCheck(wanted: string[]): string[] {
    const known = readdirSync(variantsFolder).sort();
    const names = policies.map((policy) => policy.name);
    const unknown = wanted.filter((variant) => !known.includes(variant));
    const missing = names.filter((name) => !known.includes(name));
    if (unknown.length > 0 || missing.length > 0) {
        throw new Error(unknown.length > 0 ? `No such variant: ${unknown.join(", ")}. There are: ${known.join(", ")}.` : `No bad variant shows that these policies bite: ${missing.join(", ")}.`);
    }
    return wanted.length > 0 ? wanted : known;
}

async function timed(title: string, request: Request): Promise<Inspection> {
    const start = performance.now();
    const inspection = await inspect(request);
    const { resources, checks, violations, deferred } = inspection;
    console.log(
        `${title}: ${resources} resources, ${inspection.policies.length} policies, ${checks} checks, ${violations.length} violations, ` +
            `${deferred.length} deferred to the update, ${((performance.now() - start) / 1000).toFixed(1)} s`,
    );
    violations.forEach(print);
    // A violation stops the engine, so policies over the whole stack may not have had their turn.
    const silent = violations.length > 0 ? [] : policies.map((policy) => policy.name).filter((name) => !inspection.policies.includes(name) && !deferred.some((note) => note.policy === name));
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

main().then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
        console.error(`policy check: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
    },
);
