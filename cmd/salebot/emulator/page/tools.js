// What the page has besides the list of chats. It is fetched when that list is
// there, so that the list is there sooner.
import { startConversation } from "./conversation.js";
import { startPanes } from "./panes.js";
import { startClient } from "./client.js";
import { startFlow } from "./flow.js";
import { startRequests } from "./requests.js";
import { startWebhook } from "./webhook.js";
import { startFaults } from "./faults.js";
import { startAnswers } from "./answers.js";
import { startTime } from "./time.js";

/** Starts the conversation and the tabs. */
export function startTools() {
  startConversation();
  startClient();
  startFlow();
  startRequests();
  startWebhook();
  startFaults();
  startAnswers();
  startTime();
  startPanes(); // it opens one of them
}
