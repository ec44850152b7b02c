import { EXTENSION_EMA } from '@credence/protocol';

/**
 * What a client declares that reaches its servers through enterprise-managed authorization: in `initialize` up to revision
 * 2025-11-25, in every request's `_meta` from 2026-07-28 on. For a `Client` that the caller builds; `connectMcp` declares it
 * by itself.
 */
export const emaCapabilities: { readonly extensions: Record<string, Record<string, never>> } = Object.freeze({
  extensions: Object.freeze({ [EXTENSION_EMA]: Object.freeze({}) }),
});
