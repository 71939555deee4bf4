import { type ComponentProps, type ReactNode, useId } from "react";

interface FieldProps extends Omit<ComponentProps<"input">, "id"> {
  label: string;
  name: string;
  error?: string | undefined;
  hint?: string;
}

/** An input with its label, its hint, and the server's word about it. */
export function Field({ label, error, hint, ...input }: FieldProps) {
  const id = useId();
  return (
    <Labelled id={id} label={label} error={error} hint={hint}>
      <input id={id} {...input} {...described(id, error, hint)} />
    </Labelled>
  );
}

interface SelectFieldProps extends Omit<ComponentProps<"select">, "id"> {
  label: string;
  name: string;
  error?: string | undefined;
  hint?: string;
}

export function SelectField({ label, error, hint, children, ...select }: SelectFieldProps) {
  const id = useId();
  return (
    <Labelled id={id} label={label} error={error} hint={hint}>
      <select id={id} {...select} {...described(id, error, hint)}>
        {children}
      </select>
    </Labelled>
  );
}

interface LabelledProps {
  id: string;
  label: string;
  error?: string | undefined;
  hint?: string | undefined;
  children: ReactNode;
}

function Labelled({ id, label, error, hint, children }: LabelledProps) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint !== undefined && error === undefined && (
        <p className="field-hint" id={`${id}-note`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p className="field-error" id={`${id}-note`}>
          {error}
        </p>
      )}
    </div>
  );
}

function described(id: string, error?: string, hint?: string) {
  return {
    "aria-invalid": error !== undefined || undefined,
    "aria-describedby": (error ?? hint) === undefined ? undefined : `${id}-note`,
  };
}
