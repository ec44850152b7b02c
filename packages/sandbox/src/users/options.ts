import { z } from 'zod';

/** A user of the sandbox. */
export interface UserOptions {
  /** The groups of the user. The user also has the grants of these groups. */
  readonly groups?: readonly string[] | undefined;
  /**
   * The scopes that the user holds, by server. A list is granted by default; scopes of `onRequest` are granted only to requests that name
   * them.
   */
  readonly grants?:
    | Readonly<
        Record<
          string,
          | readonly string[]
          | { readonly default?: readonly string[] | undefined; readonly onRequest?: readonly string[] | undefined }
        >
      >
    | undefined;
}

const scopes = z.array(z.string().min(1)).readonly();

export const usersSchema = z.record(
  z.string().min(1).max(255),
  z.strictObject({
    groups: z.array(z.string().min(1)).readonly().optional(),
    grants: z
      .record(
        z.string(),
        z.union([scopes, z.strictObject({ default: scopes.optional(), onRequest: scopes.optional() })]),
      )
      .optional(),
  }),
);
