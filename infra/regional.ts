/** Where a resource goes: one provider an account, and the Region on the resource (aws v7), set here and nowhere else. */
import type * as pulumi from "@pulumi/pulumi";

/** What is an account's and no Region's has no `region`: IAM, and the block of public buckets. */
const globalTypes = ["aws:iam/", "aws:s3/accountPublicAccessBlock:"];

/** Options for a component whose AWS resources all lie in one account and one Region. */
export function inAccountAndRegion(
    provider: pulumi.ProviderResource,
    region: string,
    ...transformations: pulumi.ResourceTransformation[]
): pulumi.ComponentResourceOptions {
    return {
        providers: { aws: provider },
        transformations: [
            ...transformations,
            ({ type, props, opts }) => {
                if (!type.startsWith("aws:") || globalTypes.some((prefix) => type.startsWith(prefix))) return undefined;
                return { props: { ...props, region }, opts };
            },
        ],
    };
}
