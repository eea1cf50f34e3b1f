/** Where a message's links lead, as a deployment says: signed in through IAM Identity Center, and to its own copy of the documents. Pure. */
import type { Link, Message } from "./message";
import { runbookPlace } from "./runbook";

/** What a deployment says of links. */
export interface LinkSettings {
    /** Account that this runs in. */
    forensicsAccountId: string;
    /** Under which the repository's files can be read, such as `https://github.com/OWNER/REPOSITORY/blob/main`; null where nowhere. */
    docsUrl: string | null;
    /** The access portal, such as `https://d-1234567890.awsapps.com/start`, and the permission set to sign in by, or null for the reader's choice. */
    identityCenter: { startUrl: string; roleName: string | null } | null;
}

/**
 * A link that signs people in to the right account first.
 * https://docs.aws.amazon.com/singlesignon/latest/userguide/createshortcutlink.html
 */
function signedIn(url: string, accountId: string, { startUrl, roleName }: NonNullable<LinkSettings["identityCenter"]>): string {
    const role = roleName === null ? "" : `&role_name=${encodeURIComponent(roleName)}`;
    return `${startUrl.replace(/\/+$/, "")}/#/console?account_id=${encodeURIComponent(accountId)}${role}&destination=${encodeURIComponent(url)}`;
}

/** Names each link's account and Region, signs people in where that is set, and finds the runbook's page. */
export function withLinks(message: Message, { forensicsAccountId, docsUrl, identityCenter }: LinkSettings): Message {
    const link = (each: Link): Link => {
        if (each.place === null) return each;
        const accountId = each.place.account === "forensics" ? forensicsAccountId : each.place.account;
        return {
            ...each,
            label: `${each.label} (account ${accountId}, ${each.place.region})`,
            url: identityCenter === null ? each.url : signedIn(each.url, accountId, identityCenter),
        };
    };
    return {
        ...message,
        links: message.links.map(link),
        ...(docsUrl === null ? {} : { runbookUrl: `${docsUrl.replace(/\/+$/, "")}/${runbookPlace(message.runbook)}` }),
    };
}
