import type { ModelRequest } from 'langchain';
import type { LoadedTools } from '../loaded-tools.ts';
import type { RunConfig } from '../pool/key.ts';
import { toolOrigin } from '../tools/origin.ts';

/** The tools of a run: the same for all runs, or those of the principal of the run. */
export type ToolsOfRun = LoadedTools | ((config: RunConfig) => LoadedTools | Promise<LoadedTools>);

export type AnyTool = ModelRequest['tools'][number];

/** A tool that the model can be offered, and the tool that a call of it reaches. */
export interface Offer {
  readonly offered: AnyTool;
  readonly called: AnyTool;
}

/**
 * The tools for the model. LangChain refuses another object for a tool that was passed to `createAgent`, so such a tool stays, and its
 * calls reach the tool of the same name in `loaded`. If `loaded` does not have it, it is left out: its server is away, or it
 * belongs to another principal. A tool that is not of `loadTools` stays, and no tool of `loaded` takes its name.
 */
export function offers(registered: readonly AnyTool[], loaded: LoadedTools | undefined): readonly Offer[] {
  if (!loaded) return registered.map((tool) => ({ offered: tool, called: tool }));
  const present = new Map(loaded.tools.map((tool) => [tool.name, tool]));
  const kept = registered.flatMap((tool): Offer[] => {
    if (!toolOrigin(tool)) return [{ offered: tool, called: tool }];
    const called = present.get(nameOf(tool));
    return called ? [{ offered: tool, called }] : [];
  });
  const names = new Set(registered.map(nameOf));
  const joined = [...present.values()].filter(({ name }) => !names.has(name));
  return [...kept, ...joined.map((tool) => ({ offered: tool, called: tool }))];
}

/** The tool that a call by this name reaches. `not-of-run`: the tool exists, but it is not one of this run. */
export function calledTool(
  name: string,
  registered: AnyTool | undefined,
  loaded: LoadedTools | undefined,
): AnyTool | undefined | 'not-of-run' {
  if (!loaded || (registered && !toolOrigin(registered))) return registered;
  return loaded.tools.find((tool) => tool.name === name) ?? (registered ? 'not-of-run' : undefined);
}

export function nameOf(tool: AnyTool): string {
  return 'name' in tool && typeof tool.name === 'string' ? tool.name : '';
}
