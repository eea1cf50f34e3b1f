/** What each function is given where the stack's configuration asks for it, whatever else it reads (infra/callback.ts). */
import { z } from "zod";
import type { Tag } from "../domain/tags";

const tagsSchema = z.record(z.string(), z.string());

/** Path of the roles that the program makes; begins and ends with a slash. */
export const rolePath = (): string => process.env.ROLE_PATH || "/";

/** Tags of the configuration (`tags`) that everything carries which we make. @throws ZodError when the deployment wrote something else */
export function resourceTags(): Tag[] {
    const given = process.env.RESOURCE_TAGS;
    if (!given) return [];
    return Object.entries(tagsSchema.parse(JSON.parse(given))).map(([Key, Value]) => ({ Key, Value }));
}

interface TagSpecification {
    Tags?: Tag[];
}
type Initialize = (args: { input: object }) => Promise<unknown>;
interface TaggableClient {
    middlewareStack: {
        add(middleware: (next: Initialize) => Initialize, options: { step: "initialize"; name: string }): void;
    };
}

/**
 * Gives what a client creates the configuration's tags beside its own, in one place, so that no call can forget them. Ours go before: a tag of
 * the same key never stands in the place of one that a repeated step looks for.
 */
export function tagCreations<C>(client: C, tags: () => readonly Tag[] = resourceTags): C {
    (client as unknown as TaggableClient).middlewareStack.add(
        (next) => (args) => {
            const { TagSpecifications } = args.input as { TagSpecifications?: TagSpecification[] };
            if (!TagSpecifications) return next(args);
            const beside = tags();
            if (beside.length === 0) return next(args);
            const tagged = TagSpecifications.map((each) => {
                const own = each.Tags ?? [];
                return { ...each, Tags: [...own, ...beside.filter(({ Key }) => !own.some((tag) => tag.Key === Key))] };
            });
            return next({ ...args, input: { ...args.input, TagSpecifications: tagged } });
        },
        { step: "initialize", name: "resourceTags" },
    );
    return client;
}
