/** Where the configuration wants the roles that the program makes: their path, and the policy that bounds them. */
import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";

export interface PlaceOfRoles {
    /** Begins and ends with a slash. */
    readonly path: string;
    /** ARN of the managed policy; null without one. */
    readonly permissionsBoundary: string | null;
}

/** @param accountId the roles' account, whose own policy the boundary is */
export function placeOfRoles(
    { rolePath, permissionsBoundary }: Pick<Settings, "rolePath" | "permissionsBoundary">,
    partition: string,
    accountId: string,
): PlaceOfRoles {
    return {
        path: rolePath,
        permissionsBoundary: permissionsBoundary ? `arn:${partition}:iam::${accountId}:policy/${permissionsBoundary}` : null,
    };
}

/** Puts every role and instance profile below a component there: none can be forgotten, and none says it for itself. */
export function placingRoles({ path, permissionsBoundary }: PlaceOfRoles): pulumi.ResourceTransformation {
    return ({ type, props, opts }) => {
        if (type === "aws:iam/role:Role")
            return { props: { ...props, path, ...(permissionsBoundary ? { permissionsBoundary } : {}) }, opts };
        if (type === "aws:iam/instanceProfile:InstanceProfile") return { props: { ...props, path }, opts };
        return undefined;
    };
}
