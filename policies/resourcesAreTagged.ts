import type { ResourceValidationPolicy } from "@pulumi/policy";
import taggable from "./catalogue/taggable.json";
import { deferWhereUnknown } from "./lib/unknown";
import { objectOf, reveal, UNKNOWN, type Properties, type Value } from "./lib/values";

interface Config {
    /** Tags that every resource carries which takes any, by key; a value of "" asks for the key alone. */
    tags?: Record<string, string>;
}

const TAGGABLE = new Set(taggable.types.split(" ").map((type) => `aws:${type}`));

/** Every resource that takes tags has those that the configuration asks for: who pays, whose it is, how long it may stay. Asks for nothing by itself. */
export const resourcesAreTagged: ResourceValidationPolicy = {
    name: "resources-are-tagged",
    description:
        "Every resource that takes tags has those that the pack's configuration asks for, by itself or by its provider's defaultTags.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            tags: {
                type: "object",
                additionalProperties: { type: "string" },
                default: {},
                description: 'Tags that every resource carries which takes any, by key; a value of "" asks for the key alone.',
            },
        },
    },
    validateResource: (args, reportViolation) => {
        const wanted = Object.entries(args.getConfig<Config>().tags ?? {});
        if (wanted.length === 0 || !TAGGABLE.has(args.type)) {
            return;
        }
        const { tags, tagsAll } = reveal(args.props);
        if (tags === UNKNOWN) {
            return deferWhereUnknown(args.props.tags);
        }
        const carried = { ...defaultTagsOf(args.provider?.props), ...objectOf(tagsAll), ...objectOf(tags) };
        for (const [key, value] of wanted) {
            const has = carried[key];
            if (has === undefined) {
                reportViolation(`"${args.name}" has no tag "${key}"; set it in its tags, or in the provider's defaultTags.`);
            } else if (has !== UNKNOWN && value !== "" && has !== value) {
                reportViolation(
                    `"${args.name}" has the tag "${key}" with another value than "${value}"; correct it, or change the pack's configuration.`,
                );
            }
        }
    },
    /** Where the policy's level is `remediate`: a tag that is missing and whose value the configuration says is added. A value somebody wrote stays theirs, and is told. */
    remediateResource: (args) => {
        if (!TAGGABLE.has(args.type)) {
            return undefined;
        }
        const { tags } = reveal(args.props);
        if (tags === UNKNOWN || Array.isArray(tags)) {
            return undefined;
        }
        const carried = { ...defaultTagsOf(args.provider?.props), ...objectOf(tags) };
        const missing = Object.entries(args.getConfig<Config>().tags ?? {}).filter(
            ([key, value]) => value !== "" && carried[key] === undefined,
        );
        if (missing.length === 0) {
            return undefined;
        }
        const own = (args.props.tags ?? {}) as Record<string, string>;
        args.props.tags = { ...Object.fromEntries(missing), ...own };
        return args.props;
    },
};

/** Tags that the provider puts on all it makes; a default provider has them as JSON. */
function defaultTagsOf(provider: object | undefined): Properties {
    const { defaultTags } = reveal(provider ?? {});
    return objectOf(objectOf(typeof defaultTags === "string" ? (JSON.parse(defaultTags) as Value) : defaultTags).tags);
}
