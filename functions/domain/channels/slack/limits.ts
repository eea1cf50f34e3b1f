/**
 * Slack's limits on a message (docs.slack.dev, Block Kit reference) and a check of a whole payload against them. The
 * check shares nothing with the code that builds messages but these numbers, so that one can find the other's mistakes.
 */

/** Characters and counts. */
export const limits = {
    blocks: 50,
    headerText: 150,
    sectionText: 3000,
    fields: 10,
    fieldText: 2000,
    contextElements: 10,
    /** Longer top-level text is cut by Slack. */
    fallbackText: 4000,
    attachments: 20,
    /** All text of all blocks together: our own bound, since Slack refuses long messages without saying from where on. */
    totalText: 12_000,
} as const;

/** What a message links to: the AWS console, also through IAM Identity Center, and a report that is shared for some hours. */
const allowedUrls: readonly RegExp[] = [
    /^https:\/\/([a-z0-9-]+\.)*console\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)\/[^\s|<>]*$/,
    /^https:\/\/([a-z0-9-]+\.)+(awsapps\.com|us-gov-home\.awsapps\.com|home\.awsapps\.cn|aws\.amazon\.com|app\.aws)\/(start\/|start\/[a-z0-9-]+\/)?#\/console\?account_id=[^\s|<>]*$/,
    /^https:\/\/[a-z0-9.-]+\.s3\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/incidents\/[^\s|<>]*X-Amz-Signature=[^\s|<>]*$/,
];

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** Text that would ping people, link elsewhere, or is not escaped as Slack asks. */
function unsafeText(where: string, text: string): string[] {
    const problems: string[] = [];
    const rest = text.replace(/<([^<>]*)>/g, (_, inside: string) => {
        const url = inside.split("|")[0];
        if (/^[!@#]/.test(inside)) problems.push(`${where} mentions people: <${inside}>`);
        else if (!allowedUrls.some((allowed) => allowed.test(url)))
            problems.push(`${where} links to something that is not the AWS console: <${inside}>`);
        return "";
    });
    if (/[<>]/.test(rest) || /&(?!(amp|lt|gt);)/.test(rest)) problems.push(`${where} holds an unescaped &, < or >`);
    if (/@(here|channel|everyone)\b/i.test(rest)) problems.push(`${where} mentions people with @here, @channel or @everyone`);
    if (/\b(https?|ftp):\/\//i.test(rest)) problems.push(`${where} holds an address that Slack would make a link`);
    if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(rest))
        problems.push(`${where} holds control or bidirectional characters`);
    return problems;
}

function checkText(where: string, value: unknown, most: number, types: readonly string[] = ["plain_text", "mrkdwn"]): string[] {
    if (!isObject(value) || typeof value.type !== "string" || typeof value.text !== "string") return [`${where} is not a text object`];
    const { type, text } = value;
    const problems = unsafeText(where, text);
    if (!types.includes(type)) problems.push(`${where} is ${type}, allowed: ${types.join(", ")}`);
    if (text.length === 0) problems.push(`${where} is empty`);
    if (text.length > most) problems.push(`${where} has ${text.length} characters, the limit is ${most}`);
    if (type === "mrkdwn" && value.verbatim !== true)
        problems.push(`${where} is not verbatim, so Slack would look for names and links in it`);
    if (type === "plain_text" && value.verbatim !== undefined) problems.push(`${where} is plain_text, which has no verbatim`);
    return problems;
}

function checkList(where: string, value: unknown, most: number, check: (where: string, element: unknown) => string[]): string[] {
    if (!Array.isArray(value) || value.length === 0) return [`${where} is empty or not a list`];
    const tooMany = value.length > most ? [`${where} has ${value.length} elements, the limit is ${most}`] : [];
    return [...tooMany, ...value.flatMap((element, index) => check(`${where}[${index}]`, element))];
}

function checkBlock(where: string, block: unknown): string[] {
    if (!isObject(block)) return [`${where} is not a block`];
    switch (block.type) {
        case "divider":
            return [];
        case "header":
            return checkText(`${where}.text`, block.text, limits.headerText, ["plain_text"]);
        case "section":
            return [
                ...(block.text === undefined && block.fields === undefined ? [`${where} has neither text nor fields`] : []),
                ...(block.text === undefined ? [] : checkText(`${where}.text`, block.text, limits.sectionText)),
                ...(block.fields === undefined
                    ? []
                    : checkList(`${where}.fields`, block.fields, limits.fields, (at, field) => checkText(at, field, limits.fieldText))),
            ];
        case "context":
            return checkList(`${where}.elements`, block.elements, limits.contextElements, (at, element) =>
                checkText(at, element, limits.sectionText),
            );
        default:
            return [`${where} is of type ${String(block.type)}, which these messages do not use`];
    }
}

/** Every `text` string under a value. */
function totalText(value: unknown): number {
    if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + totalText(each), 0);
    if (!isObject(value)) return 0;
    return Object.entries(value).reduce(
        (sum, [key, each]) => sum + (key === "text" && typeof each === "string" ? each.length : totalText(each)),
        0,
    );
}

function checkBlocks(where: string, blocks: unknown): string[] {
    return checkList(where, blocks, limits.blocks, checkBlock);
}

/**
 * Checks what an incoming webhook would receive.
 *
 * @returns one sentence a violation of Slack's limits or of our rule that untrusted text neither pings nor links; empty when there is none
 */
export function checkSlackPayload(payload: unknown): string[] {
    if (!isObject(payload)) return ["The payload is not an object"];
    const { text, blocks, attachments } = payload;
    const problems: string[] = [];
    if (typeof text !== "string" || text.trim() === "")
        problems.push("text is missing: notifications and screen readers have nothing to say");
    else {
        problems.push(...unsafeText("text", text));
        if (text.length > limits.fallbackText) problems.push(`text has ${text.length} characters, the limit is ${limits.fallbackText}`);
    }
    if (blocks === undefined && attachments === undefined) problems.push("The payload has neither blocks nor attachments");
    if (blocks !== undefined) problems.push(...checkBlocks("blocks", blocks));
    if (attachments !== undefined) {
        problems.push(
            ...checkList("attachments", attachments, limits.attachments, (where, attachment) => {
                if (!isObject(attachment)) return [`${where} is not an object`];
                const colour = typeof attachment.color === "string" && /^#[0-9a-f]{6}$/i.test(attachment.color);
                return [...(colour ? [] : [`${where}.color is not #rrggbb`]), ...checkBlocks(`${where}.blocks`, attachment.blocks)];
            }),
        );
    }
    const total = totalText(blocks) + totalText(attachments);
    if (total > limits.totalText) problems.push(`All blocks together have ${total} characters, the limit is ${limits.totalText}`);
    return problems;
}
