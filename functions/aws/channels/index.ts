/** Every channel by which people are told. */
import type { Channel } from "./channel";
import { chat } from "./chat";
import { notificationTopic } from "./notificationTopic";
import { slack } from "./slack";
import { webhook } from "./webhook";

export const channels: readonly Channel[] = [slack, notificationTopic, chat, webhook];
