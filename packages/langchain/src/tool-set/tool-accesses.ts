import type { TokenUse } from '@credence/core';
import type { JsonObject } from '@credence/protocol';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { neededScopes } from '../access/needed-scopes.ts';
import { TokenUses } from '../access/token-uses.ts';
import { rememberAccess } from '../access/tool-access.ts';
import { traceCalls } from '../access/trace-calls.ts';
import { askForStepUps } from '../approval/ask-for-step-ups.ts';
import type { InterruptedSteps } from '../approval/interrupted-steps.ts';
import type { LoadToolsSettings } from '../options.ts';
import type { ToolOrigin } from '../tools/origin.ts';

/** The access of the tools of one server: its tokens, the approval of step-ups, and the scopes that the tools need. */
export class ToolAccesses {
  readonly #stepUp: readonly string[];
  readonly #settings: LoadToolsSettings;
  readonly #steps: InterruptedSteps;
  readonly #uses = new TokenUses();

  constructor(server: { readonly stepUp: readonly string[] }, settings: LoadToolsSettings, steps: InterruptedSteps) {
    this.#stepUp = server.stepUp;
    this.#settings = settings;
    this.#steps = steps;
  }

  /** Called before each request to the server. */
  readonly onToken = (use: TokenUse): void => this.#uses.note(use);

  /** Makes the calls of a tool ask for step-ups, and their runs carry what is known of the token. */
  prepare(tool: DynamicStructuredTool, origin: ToolOrigin): void {
    askForStepUps(tool, origin, this.#settings, this.#steps);
    traceCalls(tool, origin, this.#uses);
  }

  /** Remembers what the server says about a tool. */
  define(tool: DynamicStructuredTool, definition: JsonObject): void {
    rememberAccess(tool, { needed: neededScopes(definition), uses: this.#uses, stepUp: this.#stepUp });
  }
}
