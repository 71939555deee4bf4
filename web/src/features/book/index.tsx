import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "wouter";
import { type Service, servicesQuery } from "../../api/bookings";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { OwnBooking } from "./own-booking";
import { BookForm } from "./book-form";
import "./book.css";

/** `/book`: a service, who comes and when; `/book/:id`: what was booked, also by its tracking token. */
export default function BookPage() {
  const { t } = useText();
  const { id } = useParams<{ id?: string }>();
  const config = useQuery(configQuery);
  const zone = config.data?.timeZone;
  if (zone === undefined)
    return (
      <Shell title={t("book.title")}>
        {config.error ? <ProblemNote error={config.error} /> : <Loading cards={3} />}
      </Shell>
    );
  return id === undefined ? <Choose zone={zone} /> : <OwnBooking key={id} id={id} zone={zone} />;
}

function Choose({ zone }: { zone: string }) {
  const { t } = useText();
  const services = useQuery(servicesQuery);
  const [chosen, setChosen] = useState<string>();
  const service = services.data?.find(({ id }) => id === chosen);
  return (
    <Shell title={t("book.title")} lead={t("book.lead")}>
      {services.error && <ProblemNote error={services.error} onRetry={() => void services.refetch()} />}
      {services.isPending && <Loading cards={3} />}
      {services.data?.length === 0 && <Empty title={t("book.none")} />}
      {services.data && services.data.length > 0 && (
        <fieldset className="book-services">
          <legend>{t("book.service")}</legend>
          <div className="grid">
            {services.data.map((each) => (
              <ServiceChoice
                key={each.id}
                service={each}
                checked={each.id === chosen}
                onChoose={() => setChosen(each.id)}
              />
            ))}
          </div>
        </fieldset>
      )}
      {service && <BookForm key={service.id} service={service} zone={zone} />}
    </Shell>
  );
}

interface ServiceChoiceProps {
  service: Service;
  checked: boolean;
  onChoose: () => void;
}

function ServiceChoice({ service, checked, onChoose }: ServiceChoiceProps) {
  const { t, locale, money } = useText();
  const isBengali = locale === "bn";
  return (
    <label className="card book-service" data-testid="service" data-service-id={service.id}>
      <span>
        <input type="radio" name="serviceId" value={service.id} checked={checked} onChange={onChoose} />{" "}
        <strong>{(isBengali && service.nameBn) || service.name}</strong>
      </span>
      <span className="muted">{(isBengali && service.descriptionBn) || service.description}</span>
      <span>
        {t("book.minutes", { count: service.durationMinutes })} · {money(service.price, service.currency)}
      </span>
    </label>
  );
}
