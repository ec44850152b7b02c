import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '@credence/protocol';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { toolRemoved } from '../failures/server-failure.ts';
import { guard, type OnRefused } from '../tools/guard.ts';
import type { ToolOrigin } from '../tools/origin.ts';
import { toolNames } from '../tools/tool-names.ts';
import type { ToolAccesses } from './tool-accesses.ts';

/** A tool that was just converted, and the definition from which it was. */
export interface ConvertedTool {
  readonly tool: DynamicStructuredTool;
  readonly definition: JsonObject;
}

/** A tool that an agent may hold. */
interface HeldTool {
  readonly tool: DynamicStructuredTool;
  readonly name: string;
  definition: JsonObject;
  isListed: boolean;
}

/** The differences between two lists of one server. */
export interface ListChange {
  readonly joined: readonly DynamicStructuredTool[];
  readonly changed: readonly DynamicStructuredTool[];
  readonly left: readonly DynamicStructuredTool[];
  /** The original names of tools that are forgotten, because too many have left. */
  readonly forgotten: readonly string[];
}

export interface HeldToolsOptions {
  /** The names of all configured servers. */
  readonly servers: readonly string[];
  readonly onRefused: OnRefused;
  /** How many tools are kept that are not listed any more. */
  readonly maxLeft: number;
  readonly access: Pick<ToolAccesses, 'prepare' | 'define'>;
}

/** What of a converted tool replaces that of the tool that is held. The name and the object stay. */
const REPLACED = ['description', 'schema', 'func', 'call', 'metadata', 'responseFormat', 'defaultConfig'] as const;

/**
 * The tools of one server as objects that stay the same from list to list, because agents hold them. A tool that is not listed any
 * more is kept, so that it works again when it is there again. It keeps its name too: a name that changed during a conversation
 * would be unknown to the agent. So a new tool that makes the name of a present one ambiguous has a hash, and the present one has none
 * before the tools are loaded again.
 */
export class HeldTools {
  readonly #server: string;
  readonly #options: HeldToolsOptions;
  /** By original name. Those that have left are in the order in which they left. */
  readonly #held = new Map<string, HeldTool>();
  #listed: readonly DynamicStructuredTool[] = [];

  constructor(server: string, options: HeldToolsOptions) {
    this.#server = server;
    this.#options = options;
  }

  /** The tools of the last list, in its order. */
  get listed(): readonly DynamicStructuredTool[] {
    return this.#listed;
  }

  /** Replaces the list. */
  replace(converted: ReadonlyMap<string, ConvertedTool>): ListChange {
    const names = this.#namesOf([...converted.keys()]);
    const joined: DynamicStructuredTool[] = [];
    const changed: DynamicStructuredTool[] = [];
    for (const [original, { tool, definition }] of converted) {
      const held = this.#held.get(original);
      if (!held) {
        joined.push(this.#hold(original, tool, names.get(original) ?? original, definition));
        continue;
      }
      const isNew = !isDeepStrictEqual(held.definition, definition);
      if (isNew) {
        this.#guard(original, tool, held);
        for (const field of REPLACED) Object.assign(held.tool, { [field]: tool[field] });
        this.#options.access.define(held.tool, definition);
        held.definition = definition;
      }
      if (!held.isListed) joined.push(held.tool);
      else if (isNew) changed.push(held.tool);
      held.isListed = true;
    }
    const left = this.#leave(converted);
    this.#listed = [...converted.keys()].flatMap((original) => this.#held.get(original)?.tool ?? []);
    return { joined, changed, left, forgotten: this.#forget() };
  }

  /** The names of tools that are not held yet. */
  #namesOf(originals: readonly string[]): ReadonlyMap<string, string> {
    const unknown = originals.filter((original) => !this.#held.has(original));
    if (unknown.length === 0) return new Map();
    const all = [...unknown, ...this.#held.keys()].map((tool): ToolOrigin => ({ server: this.#server, tool }));
    const names = toolNames(all, this.#options.servers);
    return new Map(unknown.map((original, index) => [original, names[index] ?? original]));
  }

  #hold(original: string, tool: DynamicStructuredTool, name: string, definition: JsonObject): DynamicStructuredTool {
    const held: HeldTool = { tool, name, definition, isListed: true };
    this.#guard(original, tool, held);
    this.#options.access.define(tool, definition);
    this.#held.set(original, held);
    return tool;
  }

  #guard(original: string, tool: DynamicStructuredTool, held: HeldTool): void {
    const call = tool.func.bind(tool);
    tool.func = async (...parameters) => {
      if (!held.isListed) throw toolRemoved(this.#server);
      return call(...parameters);
    };
    const origin = { server: this.#server, tool: original };
    guard(tool, origin, held.name, this.#options.onRefused);
    this.#options.access.prepare(tool, origin);
  }

  #leave(converted: ReadonlyMap<string, ConvertedTool>): DynamicStructuredTool[] {
    const left: DynamicStructuredTool[] = [];
    for (const [original, held] of this.#held) {
      if (!held.isListed || converted.has(original)) continue;
      held.isListed = false;
      left.push(held.tool);
      // To the end of the map: the first one is the one that left first.
      this.#held.delete(original);
      this.#held.set(original, held);
    }
    return left;
  }

  /** A server that lists other tools each time must not fill the memory. */
  #forget(): string[] {
    const away = [...this.#held].filter(([, { isListed }]) => !isListed).map(([original]) => original);
    const forgotten = away.slice(0, Math.max(0, away.length - this.#options.maxLeft));
    for (const original of forgotten) this.#held.delete(original);
    return forgotten;
  }
}
