import type { BaseMessage } from '@langchain/core/messages';
import { listedPrompt, listedResource, listedResourceTemplate } from './listed-items.ts';
import type { ServerContent } from './server-content.ts';
import type { ContentOptions, PromptList, ResourceContent, ResourceList, ResourceTemplateList } from './types.ts';

/** The resources and prompts of the servers of `loadTools`. A part of `LoadedTools`. */
export interface LoadedContent {
  /**
   * Lists the resources of one server, or of all servers at the same time. A server that fails is listed in `failures`, with the
   * resources that were read before. Throws `unknown_server`, and the reason of `signal`.
   */
  readonly resources: (server?: string | URL, options?: ContentOptions) => Promise<ResourceList>;
  /** Lists the templates for URIs of resources, like `resources`. */
  readonly resourceTemplates: (server?: string | URL, options?: ContentOptions) => Promise<ResourceTemplateList>;
  /**
   * Reads a resource. Its content is the server's: give it to a model as data, not as instructions. Throws a CredenceError if the call is
   * refused or fails, and the reason of `signal`.
   */
  readonly readResource: (server: string | URL, uri: string, options?: ContentOptions) => Promise<ResourceContent[]>;
  /** Lists the prompts, like `resources`. */
  readonly prompts: (server?: string | URL, options?: ContentOptions) => Promise<PromptList>;
  /**
   * Gets the messages of a prompt, as messages of a user or of an assistant. They are the server's words: use a prompt only of a server that
   * may instruct the agent. Throws a CredenceError if the call is refused or fails, and the reason of `signal`.
   */
  readonly prompt: (
    server: string | URL,
    name: string,
    args?: Readonly<Record<string, string>>,
    options?: ContentOptions,
  ) => Promise<BaseMessage[]>;
}

/** Finds the content of a server, or that of all servers. Throws `unknown_server`, and `closed`. */
export interface ContentSource {
  of(server: string | URL): ServerContent;
  all(): readonly ServerContent[];
}

export function loadedContent(source: ContentSource): LoadedContent {
  const wanted = (server: string | URL | undefined) => (server === undefined ? source.all() : [source.of(server)]);
  return {
    async resources(server, options = {}) {
      const lists = wanted(server).map(async (one) => one.list('resources', listedResource, options));
      const { entries: resources, failures } = joined(await Promise.all(lists));
      return { resources, failures };
    },
    async resourceTemplates(server, options = {}) {
      const lists = wanted(server).map(async (one) => one.list('resourceTemplates', listedResourceTemplate, options));
      const { entries: resourceTemplates, failures } = joined(await Promise.all(lists));
      return { resourceTemplates, failures };
    },
    async prompts(server, options = {}) {
      const lists = wanted(server).map(async (one) => one.list('prompts', listedPrompt, options));
      const { entries: prompts, failures } = joined(await Promise.all(lists));
      return { prompts, failures };
    },
    readResource: async (server, uri, options = {}) => source.of(server).readResource(uri, options),
    prompt: async (server, name, args, options = {}) => source.of(server).prompt(name, args, options),
  };
}

function joined<Entry, Failure>(
  lists: readonly { readonly entries: readonly Entry[]; readonly failures: readonly Failure[] }[],
): { entries: readonly Entry[]; failures: readonly Failure[] } {
  return { entries: lists.flatMap(({ entries }) => entries), failures: lists.flatMap(({ failures }) => failures) };
}
