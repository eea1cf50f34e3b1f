/** Whether two stacks of this project would make the same things: names are fixed, so an account and Region holds one stack. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Settings } from "./config";
import { protectedPairs } from "./estate";

// Pulumi's own parser of these files.
const yaml = require("js-yaml") as { load(text: string): { config?: Record<string, unknown> } | undefined };
const settingsKey = "ec2-clean-room-forensics:settings";

/** What two stacks' settings share that only one may have, as sentences; none when they are disjoint. */
export function sharedBetween(one: Settings, other: Settings): string[] {
    const pairs = (settings: Settings) => [
        ...settings.regions.map((region) => ({ accountId: settings.forensics.accountId, region })),
        ...protectedPairs(settings),
    ];
    const text = ({ accountId, region }: { accountId: string; region: string }) => `account ${accountId} in ${region}`;
    const theirs = new Set(pairs(other).map(text));
    const units = (settings: Settings) => settings.organization?.organizationalUnitIds ?? [];
    const sameOrganization = one.organization !== undefined && one.organization.organizationId === other.organization?.organizationId;
    const isRoot = (settings: Settings) => units(settings).some((id) => id.startsWith("r-"));
    const members = new Set(other.members.map(({ accountId }) => accountId));
    return [
        ...new Set([
            ...pairs(one)
                .map(text)
                .filter((pair) => theirs.has(pair)),
            // The responder role, which is global, is one an account.
            ...one.members.flatMap(({ accountId }) =>
                members.has(accountId) ? [`member account ${accountId}, whose responder role is one for all Regions`] : [],
            ),
            ...(sameOrganization && (isRoot(one) || isRoot(other)) ? ["the whole organisation, whose root one of them names"] : []),
            ...(sameOrganization
                ? units(one)
                      .filter((id) => units(other).includes(id))
                      .map((id) => `unit ${id}`)
                : []),
        ]),
    ];
}

/** Settings of a stack's file, unchecked; null where it has none of this program. */
function settingsIn(file: string): unknown {
    return yaml.load(readFileSync(file, "utf8"))?.config?.[settingsKey] ?? null;
}

/**
 * Compares the files of this project's stacks.
 *
 * @param parse reads settings; those of another stack that are wrong are that stack's to mend
 * @throws when this stack shares an account and Region with another, naming both and what they share
 */
export function requireDisjoint(stack: string, folder: string, parse: (value: unknown) => Settings): void {
    const fileOf = (name: string) => path.join(folder, `Pulumi.${name}.yaml`);
    if (!existsSync(fileOf(stack))) return;
    const own = parse(settingsIn(fileOf(stack)));
    for (const file of readdirSync(folder)) {
        const name = /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1];
        if (name === undefined || name === stack) continue;
        const given = settingsIn(fileOf(name));
        if (given === null) continue;
        let other: Settings;
        try {
            other = parse(given);
        } catch {
            continue;
        }
        const shared = sharedBetween(own, other);
        if (shared.length > 0)
            throw new Error(
                `The stacks "${stack}" and "${name}" share ${shared.slice(0, 5).join("; ")}${shared.length > 5 ? `; and ${shared.length - 5} more` : ""}. Names are fixed, so an account and Region holds one stack. Give one of them other accounts or Regions in Pulumi.${stack}.yaml or Pulumi.${name}.yaml.`,
            );
    }
}
