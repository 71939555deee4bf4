import type { Address } from "@ordercast/client";
import { useText } from "../../i18n/text";
import { LANGUAGE_TAGS } from "../../i18n/locale";
import { Field, SelectField } from "../../ui/field";
import type { Faults } from "./fault";

const COUNTRIES = ["BD", "BT", "GB", "IN", "MV", "MY", "NP", "LK", "AE", "US"];

interface AddressFieldsProps {
  legend: string;
  prefix: "billingInfo" | "shippingInfo";
  address: Address;
  onChange: (change: Partial<Address>) => void;
  faults: Faults;
}

export function AddressFields({ legend, prefix, address, onChange, faults }: AddressFieldsProps) {
  const { t, locale } = useText();
  const section = prefix === "billingInfo" ? "billing" : "shipping";
  const countries = new Intl.DisplayNames(LANGUAGE_TAGS[locale], { type: "region" });
  const common = (field: keyof Address) => ({
    name: `${prefix}.${field}`,
    value: address[field] ?? "",
    error: faults[`${prefix}.${field}`],
    onChange: ({ target }: { target: { value: string } }) => onChange({ [field]: target.value }),
  });
  return (
    <fieldset>
      <legend>{legend}</legend>
      <Field
        {...common("name")}
        label={t("field.addressee")}
        hint={t("field.addresseeHint")}
        autoComplete={`${section} name`}
        maxLength={120}
      />
      <Field
        {...common("line1")}
        label={t("field.line1")}
        autoComplete={`${section} address-line1`}
        required
        maxLength={200}
      />
      <div className="field-pair">
        <Field
          {...common("city")}
          label={t("field.city")}
          autoComplete={`${section} address-level2`}
          required
          maxLength={100}
        />
        <Field
          {...common("postcode")}
          label={t("field.postcode")}
          autoComplete={`${section} postal-code`}
          maxLength={16}
        />
      </div>
      <SelectField {...common("country")} label={t("field.country")} autoComplete={`${section} country`}>
        {COUNTRIES.map((code) => (
          <option key={code} value={code}>
            {countries.of(code)}
          </option>
        ))}
      </SelectField>
    </fieldset>
  );
}
